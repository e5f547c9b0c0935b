"""From a CSV with all that people's files have to an answer over HTTP, the draft unchanged."""

import runpy
from pathlib import Path

import pytest
from tests.conftest import point_at
from tests.integration.serving.conftest import serving

import rookery as rk
from rookery.cli import run_command
from rookery.jobs.project import open_project
from rookery.settings import get_settings
from rookery.stores.taskfiles import read_task

LOANS = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "new_table" / "generated.py"))
ASKED = {
    "applied on": "2024-03-17",
    "amount": 41_000.0,
    "income": None,
    "months": 60,
    "age": 30,
    "married": False,
    "employed years": 0.5,
    "purpose": "medical",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty project with a file of loans."""
    (tmp_path / "tasks").mkdir()
    LOANS["write"](tmp_path / "loans.csv", 400)
    point_at(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL_NAME", "loans")
    get_settings.cache_clear()
    return tmp_path


def test_a_file_of_loans_becomes_an_answer_over_http_by_three_commands(place):
    assert run_command(["new", "loans", "--from", "loans.csv", "--target", LOANS["TARGET"]]) == 0
    task, text = read_task(place / "tasks", "loans")
    used = {*task.features_used, *task.inputs}
    assert not {"loan", "currency", "recovered"} & used  # a key, a constant, what gives it away
    assert len({"branch", "branch number"} & used) == 1  # one says the other
    assert used - {"branch", "branch number"} == set(ASKED)
    assert {"applied on_month", "applied on_year"} <= set(task.features)
    assert (task.columns["amount"].type, task.columns["amount"].strip) == ("float", ("€",))
    assert "missing in" in text
    # whatever is ready by then: the first candidate always is
    assert run_command(["run", "loans", "--jobs", "1", "--time-budget", "3"]) == 0
    standing = rk.status("loans")
    assert standing["tables"] == {"raw": 400, "clean": 400, "rejected": 0, "duplicates": 0}
    branch = {"branch": "Bonn", "branch number": 12}
    asked = ASKED | {name: value for name, value in branch.items() if name in used}
    (expected,) = rk.predict(asked, "loans")
    with serving(open_project("loans").settings) as served:
        answer = served.client.post("/predict", json=asked)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["prediction"], found["version"]) == (True, "1")
    assert found["probabilities"] == pytest.approx(expected["probabilities"])
