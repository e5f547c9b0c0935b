"""Checks of a model where they run: before it is a version or is promoted, and on demand."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import palmerpenguins
import pytest
from ruamel.yaml import YAML

import rookery as rk
from rookery.cli import run_command
from rookery.errors import InputError, NotPromoted, Refused
from rookery.jobs.project import Project, open_project

ROOT = Path(__file__).parents[3]
HOPELESS = {"invariance": {"bill_length_mm": {"share": 0.001}}}
FAULT = r"check invariance bill_length_mm: changing only bill_length_mm changes the answer to \d"


@pytest.fixture
def project(home_copy) -> Project:
    return open_project("penguins")


@pytest.fixture
def checked(home_copy):
    """Writes the checks of the task file."""

    def write(**checks: object) -> None:
        path = home_copy.parent / "tasks" / "penguins.yaml"
        path.write_text(json.dumps(YAML().load(path) | {"checks": checks}), "utf-8")

    return write


@pytest.fixture
def other_run(project) -> str:
    """A run of the session's sweep that is no version."""
    promoted = project.tracking.version("penguins", "1").run_id
    runs = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'candidate'")
    return next(run.info.run_id for run in runs if run.info.run_id != promoted)


def kept(project: Project, run_id: str, place: Path) -> dict:
    path = project.tracking.download(f"runs:/{run_id}/checks.json", place)
    return json.loads(path.read_text("utf-8"))


def test_what_serves_is_checked_and_the_results_stay_with_its_run(project, checked, tmp_path):
    checked(
        direction={"flipper_length_mm": {"goes": "up", "class": "Gentoo"}},
        per_class={"minimum": {"recall": 0.5}, "rows": 5},
    )
    found = rk.verify("penguins")
    assert found.passed
    assert (found.version, found.model, found.rows) == ("1", "version 1", found.sampled)
    assert [(each.kind, each.name) for each in found.checks] == [
        ("direction", "flipper_length_mm"),
        ("per_class", "recall"),
        ("packaging", "skops"),
        ("packaging", "converted"),
    ]
    run = project.tracking.run(found.run_id)
    logged = {k: v for k, v in run.data.metrics.items() if k.startswith("check_")}
    assert set(logged) >= {"check_direction_flipper_length_mm", "check_per_class_recall"}
    assert logged["check_direction_flipper_length_mm"] == found.checks[0].value
    stored = kept(project, found.run_id, tmp_path)
    assert stored["passed"] is True
    assert stored["rows"] == found.rows
    assert [each["says"] for each in stored["checks"]] == [each.says for each in found.checks]


def test_a_version_whose_run_was_deleted_can_be_checked(project):
    run_id = project.tracking.version("penguins", "1").run_id
    before = project.tracking.run(run_id).data.metrics
    project.tracking.client.delete_run(run_id)
    assert rk.verify("penguins", version=1).passed
    assert project.tracking.run(run_id).data.metrics == before


def test_a_check_that_fails_ends_the_command_with_3_and_shows_its_worst_rows(
    home_copy, checked, capfd
):
    checked(**HOPELESS)
    assert run_command(["verify", "penguins"]) == 3
    shown = capfd.readouterr().out
    assert "FAILED invariance  bill_length_mm" in shown
    assert "at most 0.001" in shown
    assert "with bill_length_mm" in shown
    assert "3 checks, 1 failed" in shown
    assert run_command(["verify", "penguins", "--version", "1", "--json"]) == 3
    found = json.loads(capfd.readouterr().out)
    assert (found["passed"], found["version"]) == (False, "1")
    assert found["checks"][0]["examples"][0]["changed"].keys() == {"bill_length_mm"}


def test_a_promotion_that_fails_a_check_is_refused_with_its_numbers(project, checked, other_run):
    checked(**HOPELESS)
    with pytest.raises(Refused, match=FAULT) as caught:
        rk.promote("penguins", run=other_run)
    assert "0.10% may" in caught.value.message
    assert "checks passed" in caught.value.allowed
    assert project.tracking.aliases("penguins")["production"] == "1"
    entry = project.ledger.entries("penguins")[-1]
    assert entry.outcome == "refused"
    assert "check invariance bill_length_mm" in entry.reason
    assert "check_invariance_bill_length_mm" in project.tracking.run(other_run).data.metrics


def test_a_model_that_fails_a_check_is_not_registered(project, checked, other_run):
    checked(**HOPELESS)
    with pytest.raises(Refused, match=FAULT):
        rk.register(other_run)
    assert len(project.tracking.versions("penguins")) == 1
    checked(per_class={"minimum": {"recall": 0.1}, "rows": 5})
    assert rk.register(other_run).version == "2"
    found = project.tracking.run(other_run).data.metrics
    assert "check_per_class_recall" in found
    assert not any(name.startswith("check_packaging") for name in found)


def test_a_sweep_does_not_register_what_fails_a_check(project, checked):
    checked(**HOPELESS)
    found = rk.sweep("penguins", cross_validate=False)
    assert found.version is None
    assert "check invariance bill_length_mm" in found.verdict
    assert project.ledger.entries("penguins")[-1].outcome == "refused"


def test_a_model_in_a_folder_is_checked_without_any_store(home_copy, checked, tmp_path):
    checked(per_class={"minimum": {"recall": 0.5}, "rows": 5})
    data = tmp_path / "raw.csv"
    palmerpenguins.load_penguins().to_csv(data, index=False)
    rk.train(home_copy.parent / "configs/model_config.yaml", data=data, models_dir=tmp_path / "m")
    for file in home_copy.glob("*.db"):
        file.unlink()
    found = rk.verify(models_dir=tmp_path / "m", data=data)
    assert found.passed
    assert (found.version, found.run_id, found.rows) == (None, None, 67)
    assert list(home_copy.glob("mlflow.db")) == []


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"version": 9}, InputError, "no version 9"),
        ({"alias": "nobody"}, NotPromoted, "'nobody'"),
        (
            {"version": 1, "alias": "production"},
            InputError,
            "--version and --alias name two models",
        ),
        ({"models_dir": "nowhere"}, InputError, "--models-dir nowhere holds no folder model/"),
        ({"data": "none.csv"}, InputError, "there is no file none.csv"),
    ],
)
def test_wrong_input_is_told(home_copy, asked, error, said):
    with pytest.raises(error, match=said):
        rk.verify("penguins", **asked)


def test_the_checks_are_tests_of_their_own(home_copy, checked, tmp_path):
    checked(per_class={"minimum": {"recall": 0.5}, "rows": 5}, **HOPELESS)
    report = tmp_path / "junit.xml"
    command = [sys.executable, "-m", "pytest", "model_tests", "--task", "penguins"]
    done = subprocess.run(
        [*command, "--junitxml", str(report), "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    cases = {case.get("name"): case for case in ET.parse(report).iter("testcase")}
    assert set(cases) == {
        f"test_the_model_passes[{name}]"
        for name in (
            "invariance-bill_length_mm",
            "per_class-recall",
            "packaging-skops",
            "packaging-converted",
        )
    }
    failed = [name for name, case in cases.items() if case.find("failure") is not None]
    assert failed == ["test_the_model_passes[invariance-bill_length_mm]"]
    said = cases[failed[0]].find("failure").get("message")
    assert "changing only bill_length_mm changes the answer" in said
