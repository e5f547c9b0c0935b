"""`kill -9` in the middle of batches: the next command goes on, and the end is the same."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from tests.conftest import TASKS, copy_project, point_at
from tests.data_service import data_service

import rookery as rk
from rookery.jobs.project import open_project

FAULTS = "error@1,cut@2,repeat@3,slow@4"
# what differs from one try to the next: moments, ids of runs, the bytes of a body (which name the
# group), and the number of a version, where the process died between its registration and the end
# of its sweep
UNLIKE = {"raw": ["ingested_at"], "batches": ["at", "run_id", "digest", "model_version"]}
Tables = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our data service with faults that befall each group once."""
    state = tmp_path_factory.mktemp("service") / "cursors.db"
    with data_service(state, faults=FAULTS, slow_seconds="0.2") as found:
        yield found


def project_at(
    place: Path, patch: pytest.MonkeyPatch, model: Path, address: str, group: int
) -> None:
    """A project with the houses and one quick candidate, reading as its own group."""
    copy_project(model.parent, place)  # MLflow's tables are there already
    yaml = YAML()
    task = yaml.load(TASKS / "houses.yaml")
    task["source"] = {"batches": {"url": address, "group": group}}
    task["candidates"] = {"linear_regression": {}}
    task["gate"] = {"minimum": {"r2": -1.0}, "not_worse_than_production": False}
    task["checks"] = {}  # made-up rows and a quick model: nothing that is known holds
    task["retrain"] = {"unseen": 0.7, "drift": None}
    task["split"]["folds"] = 2
    yaml.dump(task, place / "tasks" / "houses.yaml")
    point_at(patch, place)


@dataclass(frozen=True)
class Left:
    """What is there at the end."""

    tables: Tables
    champion: dict[str, float]
    promotions: int


def tables() -> Tables:
    """Rows by table as text."""
    found = {}
    for name in ("raw", "clean", "rejected", "batches"):
        rows = pd.read_sql(f"SELECT * FROM houses_{name}", rk.connect())
        rows = rows.drop(columns=UNLIKE.get(name, []))
        rows = rows.astype(object).where(rows.notna(), None)
        found[name] = list(rows.itertuples(index=False, name=None))
    return found


def left() -> Left:
    done = [entry for entry in rk.status("houses")["ledger"] if entry["outcome"] == "done"]
    tracking = open_project("houses").tracking
    run = tracking.run(tracking.version("houses", done[-1]["to"]).run_id)
    held = {key: value for key, value in run.data.metrics.items() if key.startswith("holdout_")}
    return Left(tables(), held, len(done))


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, promoted_home: Path, address: str
) -> tuple[Left, float]:
    """What an undisturbed run leaves, and how long it takes."""
    with pytest.MonkeyPatch.context() as patch:
        project_at(tmp_path_factory.mktemp("whole"), patch, promoted_home, address, 0)
        started = time.monotonic()
        done = rk.run("houses", jobs=1, all_batches=True)
        taken = time.monotonic() - started
        decided = [one.entry.decision for one in done.batches]
        assert decided == ["train", "wait", "train", "wait", "wait", "wait"]
        assert [one.entry.number for one in done.batches] == list(range(6))
        rows = rk.status("houses")["tables"]
        assert rows["raw"] == rows["clean"] + rows["rejected"] + rows["duplicates"]
        return left(), taken


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_that_is_killed_and_begun_again_ends_as_one_that_was_not(
    whole, promoted_home, address, tmp_path, monkeypatch, forks, seed
):
    expected, taken = whole
    project_at(tmp_path / "here", monkeypatch, promoted_home, address, seed)
    child = forks.start("run", task="houses", jobs=1, all_batches=True)
    time.sleep(random.Random(seed).uniform(0.1, 0.9) * taken)
    child.kill()
    child.wait()
    assert rk.run("houses", jobs=1, all_batches=True).ended
    found = left()
    for name, rows in expected.tables.items():
        assert found.tables[name] == rows, name
    assert found == expected


@pytest.mark.parametrize(
    ("owner", "method", "group"),
    [
        ("Bodies", "store", 11),
        ("Addition", "append", 12),
        ("BatchAudit", "add", 13),
        ("Arrival", "loaded", 14),
        ("BatchAudit", "update", 15),
    ],
)
def test_a_batch_whose_process_dies_at_a_step_is_loaded_and_cleaned_once(
    whole, promoted_home, address, tmp_path, monkeypatch, forks, owner, method, group
):
    project_at(tmp_path / "here", monkeypatch, promoted_home, address, group)
    for job in ("ingest", "clean"):
        forks.start(job, task="houses", die=(owner, method)).wait()
    while rk.ingest("houses").ended is None:
        rk.clean("houses")
    rk.clean("houses")
    expected = whole[0].tables
    for name, rows in tables().items():
        assert name == "batches" or rows == expected[name]
