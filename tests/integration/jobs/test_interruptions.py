"""`kill -9` at any moment: nothing is lost, and the next command goes on."""

import json
import random
import subprocess
import sys
import time
from contextlib import suppress

import pandas as pd
import psutil
import pytest
from ruamel.yaml import YAML

import rookery as rk
from rookery.errors import InputError
from rookery.jobs.project import Project, open_project

PATIENCE_SECONDS = 90.0


def wait_until(condition, child) -> None:
    """Until the condition holds or the process has ended by itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while child.lives() and not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finished(shop) -> dict[str, int]:
    return {name: rows for name, rows in shop.tables().items() if "__" not in name}


@pytest.fixture
def filled(shop):
    """The shop with 3 rows in every stage, and 60,000 waiting in its file."""
    shop.rows("1,1,red,,good", "2,2,blue,,bad", "x,1,red,,good")
    rk.ingest("shop")
    rk.clean("shop")
    lines = (
        f"{number % 1000},{number},{'red' if number % 2 else 'blue'},n{number},good"
        for number in range(60_000)
    )
    shop.rows(*lines)
    return shop


BEFORE = {"shop_raw": 3, "shop_clean": 2, "shop_rejected": 1}
# other raw rows take the clean ones of the old away with them
AFTER = {"shop_raw": 60_000}


@pytest.mark.parametrize("seed", range(3))
def test_an_ingest_that_is_killed_leaves_the_old_rows_and_the_next_one_works(filled, forks, seed):
    child = forks.start("ingest", task="shop")
    wait_until(lambda: filled.names() - set(BEFORE), child)
    time.sleep(random.Random(seed).uniform(0, 0.3))
    if child.lives():
        child.kill()
    child.wait()
    assert finished(filled) in (BEFORE, AFTER)
    assert rk.ingest("shop").rows == 60_000
    assert filled.tables() == AFTER


@pytest.mark.parametrize("seed", range(2))
def test_a_clean_that_is_killed_leaves_the_old_rows_and_the_next_one_works(filled, forks, seed):
    rk.ingest("shop")
    child = forks.start("clean", task="shop")
    wait_until(lambda: filled.names() - set(AFTER), child)
    time.sleep(random.Random(seed).uniform(0, 0.3))
    if child.lives():
        child.kill()
    child.wait()
    cleaned = AFTER | {"shop_clean": 60_000, "shop_rejected": 0}
    assert finished(filled) in (AFTER, cleaned)
    assert rk.clean("shop").clean == 60_000
    assert filled.tables() == cleaned
    assert len(pd.read_sql("SELECT price FROM shop_onehot LIMIT 5", rk.connect())) == 5


@pytest.mark.parametrize("method", ["create", "append", "_swap"])
def test_an_ingest_that_dies_at_a_step_leaves_the_old_rows(filled, forks, method):
    before = finished(filled)
    child = forks.start(
        "ingest", task="shop", die=("Tables" if method == "_swap" else "Replacement", method)
    )
    child.wait()
    assert not child.out.exists()
    assert finished(filled) == before
    assert rk.ingest("shop").rows == 60_000
    assert filled.tables() == AFTER


@pytest.fixture
def project(home_copy) -> Project:
    return open_project("penguins")


def running(project: Project) -> set[str]:
    return {
        run.info.run_id
        for run in project.tracking.runs(project.experiment, "attributes.status = 'RUNNING'")
    }


def statuses(project: Project, runs: set[str]) -> set[str]:
    return {project.tracking.run(run).info.status for run in runs}


def versions(project: Project) -> list[str]:
    return [str(version.version) for version in project.tracking.versions("penguins")]


@pytest.mark.parametrize("seed", range(2))
def test_the_runs_of_a_killed_sweep_are_ended_by_the_next_one(project, forks, seed):
    child = forks.start("sweep", task="penguins", cross_validate=False)
    wait_until(lambda: running(project), child)
    time.sleep(random.Random(seed).uniform(0, 1.0))
    if child.lives():
        child.kill()
    child.wait()
    left, known = running(project), versions(project)
    assert project.tracking.aliases("penguins") == {"production": "1"}
    result = rk.sweep("penguins", cross_validate=False)
    assert statuses(project, left) <= {"KILLED"}
    assert running(project) == set()
    assert not any(row.error for row in result.rows)
    assert versions(project)[1:] == known
    assert rk.promote("penguins").version == result.version


def test_the_runs_of_a_living_sweep_are_left_alone(project, forks):
    child = forks.start(
        "sweep", task="penguins", cross_validate=False, pause=("Tracking", "finish_model")
    )
    wait_until(lambda: len(running(project)) == 2, child)
    theirs = running(project)
    by_hand = project.tracking.client.create_run(project.experiment).info.run_id
    rk.sweep("penguins", cross_validate=False, register=False)
    assert statuses(project, theirs | {by_hand}) == {"RUNNING"}
    child.kill()
    child.wait()
    rk.sweep("penguins", cross_validate=False, register=False)
    assert statuses(project, theirs) == {"KILLED"}
    assert statuses(project, {by_hand}) == {"RUNNING"}


def workers_of(pid: int) -> list[int]:
    """Processes that fit candidates for this one."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "LokyProcess" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


def test_a_killed_sweep_command_takes_its_workers_along_and_can_be_given_again(project):
    command = [sys.executable, "-m", "rookery.cli", "sweep", "penguins", "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(workers_of(process.pid)) < 2:
        time.sleep(0.05)
    assert process.poll() is None
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, left = psutil.wait_procs(children, timeout=PATIENCE_SECONDS)
    assert left == []
    theirs = running(project)
    assert theirs
    assert rk.sweep("penguins", cross_validate=False).best.error is None
    assert statuses(project, theirs) == {"KILLED"}


STEPS = [  # where it dies; whether the alias has moved by then
    pytest.param(("Tracking", "version"), False, id="before the target is known"),
    pytest.param(("Ledger", "note"), False, id="before the gate"),
    pytest.param(("Tracking", "register"), False, id="before it is a version"),
    pytest.param(("Ledger", "aim"), False, id="before the aim is written down"),
    pytest.param(("Tracking", "set_production"), False, id="before the alias moves"),
    pytest.param(("Tracking", "set_stage"), True, id="before the stage moves"),
    pytest.param(("Ledger", "close"), True, id="before the row is closed"),
]


@pytest.fixture
def second(project) -> str:
    """A run that is not registered, and a gate that lets it pass."""
    path = project.settings.tasks_folder / "penguins.yaml"
    gate = {"minimum": {"accuracy": 0.1}, "not_worse_than_production": False}
    path.write_text(json.dumps(YAML().load(path) | {"gate": gate}), "utf-8")
    promoted = project.tracking.version("penguins", "1").run_id
    runs = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'candidate'")
    return next(run.info.run_id for run in runs if run.info.run_id != promoted)


@pytest.mark.parametrize(("step", "moved"), STEPS)
def test_a_promotion_that_dies_at_a_step_is_repaired_by_the_next_command(
    project, forks, second, step, moved
):
    if step[1] == "version":
        child = forks.start("promote", task="penguins", version="1", die=step)
    else:
        child = forks.start("promote", task="penguins", run=second, die=step)
    child.wait()
    assert not child.out.exists()
    (_, pending) = project.ledger.entries("penguins")
    assert pending.outcome == "pending"

    status = rk.status("penguins")
    assert status["pending"] is False
    assert len(status["repaired"]) == 1
    ended = project.ledger.entries("penguins")[1]
    expected = "2" if moved else "1"
    assert ended.outcome == ("done" if moved else "failed")
    assert project.tracking.aliases("penguins") == {"production": expected}
    stage = {str(v.version): v.current_stage for v in project.tracking.versions("penguins")}
    assert [number for number, name in stage.items() if name == "Production"] == [expected]
    assert rk.status("penguins")["repaired"] == []

    result = rk.promote("penguins", run=second)
    assert (result.version, result.changed) == ("2", not moved)
    assert project.tracking.aliases("penguins") == {"production": "2"}
    assert versions(project) == ["2", "1"]
    assert rk.rollback("penguins").version == "1"


@pytest.mark.parametrize(
    ("step", "moved"),
    [
        (("Tracking", "set_production"), False),
        (("Tracking", "set_stage"), True),
        (("Ledger", "close"), True),
    ],
)
def test_a_rollback_that_dies_at_a_step_is_repaired_by_the_next_command(
    project, forks, second, step, moved
):
    rk.promote("penguins", run=second)
    forks.start("rollback", task="penguins", die=step).wait()
    assert len(rk.status("penguins")["repaired"]) == 1
    assert project.tracking.aliases("penguins") == {"production": "1" if moved else "2"}
    last = project.ledger.entries("penguins")[-1]
    assert (last.outcome, last.from_version) == ("done" if moved else "failed", "2")
    if moved:
        with pytest.raises(InputError, match="no earlier version"):
            rk.rollback("penguins")
    else:
        assert rk.rollback("penguins").version == "1"
