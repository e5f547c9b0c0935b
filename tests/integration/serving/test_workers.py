"""Several worker processes behind one port."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripts.servers import free_port
from tests.integration.serving.commands import Command, command, is_ready
from tests.integration.serving.conftest import eventually
from tests.integration.serving.test_metrics import read
from tests.integration.serving.test_swap import register_forest

from rookery.jobs.project import Project, open_project
from rookery.settings import get_settings

WORKERS = 2
PREDICTED = "predictions_total{model=penguins,version=%s}"
LOADED = "model_reloads_total{model=penguins,outcome=loaded}"


@pytest.fixture
def project(home_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("RELOAD_SECONDS", "0.5")
    monkeypatch.setenv("API_WORKERS", str(WORKERS))
    get_settings.cache_clear()
    return open_project("penguins")


@pytest.fixture
def running(project: Project) -> Iterator[Command]:
    with command() as served:
        eventually(lambda: len(served.workers()) == WORKERS)
        eventually(lambda: figures(served).get(LOADED) == WORKERS)
        yield served


def figures(served: Command) -> dict[str, float]:
    """Of a connection of its own: any of the workers may answer."""
    with httpx.Client(base_url=served.url, timeout=30) as client:
        return read(client)


def predict(served: Command, record: dict[str, Any], times: int) -> list[dict[str, Any]]:
    """As many answers, each of them over a connection of its own."""
    answers = [httpx.post(f"{served.url}/predict", json=record, timeout=30) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def infos(served: Command) -> dict[str, float]:
    """What /metrics says is loaded, by version."""
    return {
        key.partition("version=")[2].rstrip("}"): value
        for key, value in figures(served).items()
        if key.startswith("model_info{") and value
    }


def test_all_workers_follow_a_promotion_and_their_figures_are_added_up(
    project: Project, running: Command, penguin: dict[str, Any]
) -> None:
    assert {answer["version"] for answer in predict(running, penguin, 30)} == {"1"}
    # the same sum, whichever of them is asked
    assert {figures(running)[PREDICTED % 1] for _ in range(10)} == {30}

    project.tracking.set_production("penguins", register_forest(project))
    eventually(lambda: figures(running)[LOADED] == 2 * WORKERS)
    assert {answer["version"] for answer in predict(running, penguin, 40)} == {"2"}
    assert figures(running)[PREDICTED % 2] == 40
    assert infos(running) == {"2": 1}


def test_a_killed_worker_is_replaced_and_the_other_answers_meanwhile(
    project: Project, running: Command, penguin: dict[str, Any]
) -> None:
    first = running.workers()
    killed = min(first)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: killed not in running.workers())
    predict(running, penguin, 20)
    eventually(lambda: len(running.workers()) == WORKERS)
    assert len(running.workers() & first) == 1
    # what the killed one had loaded is not told for ever
    project.tracking.set_production("penguins", register_forest(project))
    eventually(lambda: infos(running) == {"2": 1})
    assert figures(running)[PREDICTED % 1] == 20


def test_the_end_takes_all_workers_along_and_loses_no_prediction(
    project: Project, running: Command, penguin: dict[str, Any]
) -> None:
    workers = running.workers()
    asked = {answer["id"] for answer in predict(running, penguin, 60)}
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert not is_ready(running.client)
    assert asked <= logged(project)


def logged(project: Project) -> set[str]:
    """The ids in the table, and in what waits for it."""
    home = project.settings.home
    with closing(sqlite3.connect(home / "tables.db")) as database:
        found = {str(number) for (number,) in database.execute("SELECT id FROM predictions")}
    waiting = b"".join(p.read_bytes() for p in (home / "cache" / "spool").rglob("*") if p.is_file())
    return found | {part[:36].decode() for part in waiting.split(b'["')}


def test_workers_that_cannot_start_end_the_command_with_one_clear_error(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_WORKERS", str(WORKERS))
    monkeypatch.setenv("MODEL_NAMES", "a/b")
    monkeypatch.setenv("PORT", str(free_port()))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("rookery")), "serve"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 2
    assert "'a/b' cannot stand in a path" in done.stderr
    assert "Traceback" not in done.stderr
