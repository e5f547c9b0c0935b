"""The project's workflows: rights, pins, secrets, and steps that people can call."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rehearsal.actions import IMITATED
from rehearsal.expressions import Open, Scope, holds
from rehearsal.workflow import Step, read_workflow
from rehearsal.world import SECRETS, VARIABLES
from ruamel.yaml import YAML

from rookery.cli import app

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
NAMES = [path.name for path in FILES]
# set up builders for another processor, which a rehearsal does without
NOT_REHEARSED = {"docker/setup-qemu-action", "docker/setup-buildx-action"}
DEPLOYS = "Deploy, and see that it answers; or have the image before back"


def steps(path: Path) -> Iterator[Step]:
    for job in read_workflow(path).jobs.values():
        yield from job.steps


def test_there_are_the_four():
    assert NAMES == ["build.yml", "deploy.yml", "integration.yml", "release.yml"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_workflow_may_read_the_repository_and_a_job_what_it_names(path):
    tree = YAML(typ="safe").load(path.read_text("utf-8"))
    assert tree["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in tree["jobs"].items() if "permissions" in job}
    allowed = {
        "deploy.yml": {"deploy": {"contents": "read", "actions": "read"}},
        "release.yml": {"images": {"contents": "read", "packages": "write"}},
    }
    assert more == allowed.get(path.name, {})


def test_what_a_user_deploys_reaches_none_of_our_own_tests():
    path = ROOT / ".github/workflows/integration.yml"
    assert "env" not in YAML(typ="safe").load(path.read_text("utf-8"))
    told = [step for step in steps(path) if any(name.startswith("ROOKERY_") for name in step.env)]
    assert [step.name for step in told] == ["A model of the task", "Its checks"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_action_is_pinned_by_its_commit_and_says_the_version(path):
    used = re.findall(r"uses: +(.*)", path.read_text("utf-8"))
    assert used
    for line in used:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    for step in steps(path):
        if step.uses:
            assert step.uses.partition("@")[0] in IMITATED.keys() | NOT_REHEARSED


def test_an_action_is_pinned_to_one_commit_everywhere():
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for action, pin in re.findall(r"uses: +([\w-]+/[\w-]+)\S*?@(.*)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_step_is_one_command_into_which_nothing_is_written(path):
    for step in steps(path):
        if step.run is None:
            continue
        assert "${{" not in step.run, step.place
        assert not re.search(r"\n.|;|&&|\|\|", step.run.strip()), step.place
        program = shlex.split(step.run)[0]
        assert (
            program in ("make", ".venv/bin/rookery", ".venv/bin/python")
            or (ROOT / program).is_file()
        ), step.place


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_command_is_there_with_the_options_that_it_is_given(path):
    commands = typer.main.get_command(app).commands
    targets = (ROOT / "Makefile").read_text("utf-8")
    for step in steps(path):
        for part in (step.run or "").split(" | "):
            words = shlex.split(part)
            if words[:1] == ["make"]:
                assert re.search(rf"^{words[1]}:", targets, re.M), step.place
            elif words[:1] == [".venv/bin/python"]:
                assert words[1:3] == ["-m", "pytest"] or (ROOT / words[1]).is_file(), step.place
            elif words[:1] == [".venv/bin/rookery"]:
                known = {name for each in commands[words[1]].params for name in each.opts}
                given = {word for word in words[2:] if word.startswith("--")}
                assert given <= known, f"{step.place}: {given - known}"


def test_secrets_and_variables_are_those_that_are_documented():
    text = "".join(path.read_text("utf-8") for path in FILES)
    guide = (ROOT / "docs/ci-cd.md").read_text("utf-8")
    assert set(re.findall(r"secrets\.(\w+)", text)) == set(SECRETS)
    assert set(re.findall(r"vars\.(\w+)", text)) == set(VARIABLES)
    for name in (*SECRETS, *VARIABLES):
        assert f"`{name}`" in guide, name


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_secret_is_known_to_the_step_that_uses_it_alone(path):
    tree = YAML(typ="safe").load(path.read_text("utf-8"))
    jobs = tree.pop("jobs")
    outside = str(tree) + "".join(
        str({key: value for key, value in job.items() if key != "steps"}) for job in jobs.values()
    )
    assert "secrets." not in outside


def test_what_forks_may_start_reads_no_secret_and_nothing_runs_with_the_rights_of_the_target():
    for path in FILES:
        triggers = read_workflow(path).triggers
        assert not triggers.keys() & {"pull_request_target", "workflow_run", "issue_comment"}
        if "pull_request" in triggers:
            text = path.read_text("utf-8")
            assert "secrets." not in text
            assert "github.token" not in text


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_runs_do_not_overlap_and_end_in_time(path):
    tree = YAML(typ="safe").load(path.read_text("utf-8"))
    assert tree["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 180 for job in tree["jobs"].values())
    checkouts = [step for step in steps(path) if (step.uses or "").startswith("actions/checkout")]
    assert all(step.inputs["persist-credentials"] is False for step in checkouts)


def test_build_hands_on_what_its_jobs_make():
    workflow = read_workflow(ROOT / ".github/workflows/build.yml")
    order = ["data-processing", "feature-engineering", "model-training", "register"]
    assert [[job.id for job in turn] for turn in workflow.in_turns()] == [[one] for one in order]
    names = [
        [step.inputs["name"] for step in job.steps if kind in (step.uses or "")]
        for (job,) in workflow.in_turns()
        for kind in ("download-artifact", "upload-artifact")
    ]
    assert names == [
        *([], ["processed-data"]),
        *(["processed-data"], ["featured-data", "preprocessor"]),
        *(["featured-data"], ["trained-model"]),
        *(["trained-model"], []),
    ]


def test_an_image_is_tested_before_it_is_pushed_and_pushed_before_it_is_deployed():
    run = [step.run or "" for step in steps(ROOT / ".github/workflows/deploy.yml")]
    found = [
        next(at for at, command in enumerate(run) if part in command)
        for part in ("package --version", "package --check", "publish.py", 'deploy --target "')
    ]
    assert found == sorted(found)


def test_who_deploys_to_azure_can_pull_from_the_registries_that_it_pushed_to():
    named = {step.name: set(step.env) for step in steps(ROOT / ".github/workflows/deploy.yml")}
    assert named["To the registries"] <= named[DEPLOYS]
    assert not any("PASSWORD" in name for name in named["What a deployment to Azure would call"])


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_key_of_a_store_goes_with_the_address_that_it_opens(path):
    for step in steps(path):
        if "AZURE_STORAGE_CONNECTION_STRING" in step.env:
            assert "ARTIFACTS_DESTINATION" in step.env, step.place


@pytest.mark.parametrize(
    ("last", "runs"),
    [
        ("", True),
        ("deployed-3-abc-17-1", False),
        ("deployed-4-abc-18-1", True),  # the alias was moved back
        ("deployed-31-abc-19-1", True),
        ("deployed-3-abd-20-1", True),
    ],
)
def test_the_hourly_run_deploys_what_was_not_deployed_last(last, runs):
    found = {"result": "success", "outputs": Open(version="3", deployed=last)}
    contexts = {"inputs": Open(), "needs": {"find": found}, "github": {"sha": "abc"}}
    job = read_workflow(ROOT / ".github/workflows/deploy.yml").jobs["deploy"]
    assert holds(job.condition, Scope(contexts, {"always": lambda: True})) is runs


@pytest.mark.parametrize(
    ("event", "failed", "outcome", "kept"),
    [
        ("schedule", False, "success", True),
        ("schedule", True, "failure", True),
        ("schedule", True, "skipped", False),
        ("workflow_dispatch", True, "failure", False),
    ],
)
def test_what_was_refused_is_not_tried_again_every_hour(event, failed, outcome, kept):
    contexts = {
        "inputs": Open(),
        "github": {"event_name": event},
        "steps": {"served": {"outcome": outcome}},
    }
    functions = {"success": lambda: not failed, "failure": lambda: failed}
    *_, save = read_workflow(ROOT / ".github/workflows/deploy.yml").jobs["deploy"].steps
    assert holds(save.condition, Scope(contexts, functions)) is kept
