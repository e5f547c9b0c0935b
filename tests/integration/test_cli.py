"""The command line: exit codes, one JSON object on standard output, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.penguins import PENGUIN

from rookery.cli import run_command


def only_object(text: str) -> dict:
    """The one JSON object that standard output holds."""
    (line,) = text.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["status"], "ledger"),
        (["tasks"], "tasks"),
        (["ingest"], "unchanged"),
        (["predict", "--row", json.dumps(PENGUIN)], "predictions"),
        (["promote"], "version"),
        (["query"], "uri"),
        (["verify"], "checks"),
        (["reproduce", "1"], "equal"),
        (["diff", "1", "1"], "predictions"),
    ],
)
def test_a_command_that_works_prints_one_object(home_copy, capfd, arguments, key):
    assert run_command([*arguments, "--json"]) == 0
    assert key in only_object(capfd.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["nonsense"], 2, "InputError"),
        (["sweep", "--jobs", "many"], 2, "InputError"),
        (["status", "unknown"], 2, "InputError"),
        (["ingest", "--from", "missing.csv"], 2, "InputError"),
        (["ingest", "--from", "table.xls"], 2, "InputError"),
        (["predict"], 2, "InputError"),
        (["predict", "--row", "[]"], 2, "InputError"),
        (["predict", "--row", "{"], 2, "InputError"),
        (["predict", "--row", '{"island": "Atlantis"}'], 2, "InputError"),
        (["predict", "--csv", "tasks", "--out", "/no/such/place.csv"], 2, "InputError"),
        (["promote", "--version", "99"], 2, "InputError"),
        (["promote", "--run", "none"], 2, "InputError"),
        (["rollback"], 2, "InputError"),
        (["train", "--config", "none.yaml"], 2, "InputError"),
        (["train", "--tolerance", "-1"], 2, "InputError"),
        (["register"], 2, "InputError"),
        (["register", "--run-id", "none"], 2, "InputError"),
        (["query", "--alias", "none"], 2, "NotPromoted"),
        (["verify", "--version", "99"], 2, "InputError"),
        (["verify", "--models-dir", "none"], 2, "InputError"),
        (["reproduce"], 2, "InputError"),
        (["reproduce", "99"], 2, "InputError"),
        (["replay", "none"], 2, "UnknownPrediction"),
        (["diff", "1", "99"], 2, "InputError"),
    ],
)
def test_wrong_input_ends_with_2_and_says_what_is_wrong(home_copy, capfd, arguments, code, kind):
    assert run_command([*arguments, "--json"]) == code
    output = capfd.readouterr()
    error = only_object(output.out)["error"]
    assert set(error) == {"type", "message", "field", "value", "allowed", "next"}
    assert error["type"] == kind
    assert error["message"]
    assert "Traceback" not in output.err


def test_a_database_that_is_away_ends_with_1_and_names_the_setting(empty_home, monkeypatch, capfd):
    broken = empty_home.parent / "broken.db"
    broken.write_text("this is not a database, whatever its name says", encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{broken}")
    assert run_command(["ingest", "--json"]) == 1
    error = only_object(capfd.readouterr().out)["error"]
    assert (error["type"], error["field"]) == ("Unavailable", "DATABASE_URL")


def test_a_home_that_cannot_be_made_ends_with_1(empty_home, monkeypatch, capfd):
    monkeypatch.setenv("ROOKERY_HOME", "/dev/null/home")
    assert run_command(["ingest", "--json"]) == 1
    assert only_object(capfd.readouterr().out)["error"]["field"] == "ROOKERY_HOME"
    monkeypatch.chdir(empty_home.parent)
    assert run_command(["doctor", "--json"]) == 1
    findings = only_object(capfd.readouterr().out)["findings"]
    assert {item["check"] for item in findings if item["level"] == "error"} == {
        "tables",
        "tracking",
    }
    assert all(item["mend"] for item in findings if item["level"] == "error")


def test_a_worse_version_ends_with_3_and_changes_nothing_else(home_copy, capfd):
    run_command(["status", "--json"])
    before = only_object(capfd.readouterr().out)
    worse = worst_run(before)
    assert run_command(["promote", "--run", worse, "--json"]) == 3
    error = only_object(capfd.readouterr().out)["error"]
    assert error["type"] == "Refused"
    assert "worse than production" in error["message"]
    run_command(["status", "--json"])
    after = only_object(capfd.readouterr().out)
    assert after["production"] == before["production"]
    assert after["versions"] == before["versions"]
    assert [row["outcome"] for row in after["ledger"]] == ["done", "refused"]


def worst_run(status: dict) -> str:
    """The candidate with the lowest hold-out accuracy."""
    from rookery.jobs.project import open_project

    project = open_project(status["task"])
    runs = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'candidate'")
    worst = min(runs, key=lambda run: run.data.metrics["holdout_accuracy"])
    return str(worst.info.run_id)


def test_a_defect_of_ours_ends_with_70_and_shows_its_place_only_when_asked(
    home_copy, monkeypatch, capfd
):
    def broken(*_arguments: object, **_keywords: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("rookery.jobs.status.repair", broken)
    assert run_command(["status", "--json"]) == 70
    output = capfd.readouterr()
    assert only_object(output.out)["error"]["type"] == "Defect"
    assert "Traceback" not in output.err
    assert run_command(["status", "--debug"]) == 70
    assert "Traceback" in capfd.readouterr().err


def test_a_file_of_records_is_answered_into_a_file(home_copy, tmp_path, capfd):
    rows = tmp_path / "rows.csv"
    rows.write_text(
        ",".join([*PENGUIN, "species"])
        + "\n"
        + ",".join(map(str, [*PENGUIN.values(), "Adelie"]))
        + "\nBiscoe,46.1,13.2,211,4500,FEMALE,\n",
        encoding="utf-8",
    )
    out = tmp_path / "answers.csv"
    assert run_command(["predict", "--csv", str(rows), "--out", str(out), "--json"]) == 0
    assert only_object(capfd.readouterr().out) == {"rows": 2, "file": str(out)}
    header, first, second = out.read_text(encoding="utf-8").splitlines()
    assert header.startswith(",".join([*PENGUIN, "species", "prediction", "probability_Adelie"]))
    assert ",Adelie,Adelie," in first
    assert ",,Gentoo," in second


def test_the_installed_command_works_and_says_its_version(home):
    command = Path(sys.executable).with_name("rookery")
    found = subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert found.stdout == "rookery 0.1.0\n"
    helped = subprocess.run([command], capture_output=True, text=True, check=True)
    assert "promote" in helped.stdout
