"""From a task file, without a sweep: its best candidate, trained and held against the champion."""

import json
from pathlib import Path

import palmerpenguins
import pytest
from tests.conftest import write_task

import rookery as rk
from rookery.cli import run_command
from rookery.core.taskfile import parse_task
from rookery.errors import InputError, Refused
from rookery.stores.configurations import read_configuration

TREES = {"fixed": {"random_state": 42}, "sets": [{"max_depth": 1}, {"max_depth": 4}]}


@pytest.fixture
def place(home_copy, monkeypatch) -> Path:
    """A promoted project, and the folder that commands are called in."""
    monkeypatch.chdir(home_copy.parent)
    return home_copy.parent


def uri(place: Path) -> str:
    return f"sqlite:///{place / 'home' / 'mlflow.db'}"


def test_the_best_on_the_folds_is_trained_and_is_the_task_that_the_model_carries(place, tmp_path):
    path = write_task(tmp_path / "tasks", candidates={"decision_tree": TREES})
    trained = rk.train(path, models_dir="models")
    assert trained.family == "decision_tree"
    assert trained.compared == "the best of 2 candidates on the folds"
    carried = parse_task(next(Path("models/model").glob("**/task.yaml")).read_text("utf-8"), "task")
    assert carried.candidates["decision_tree"].sets == ({"random_state": 42, "max_depth": 4},)
    assert json.loads(Path("models/metrics.json").read_text())["metrics"] == trained.metrics


def test_it_is_the_candidate_that_a_sweep_finds_best(place):
    swept = rk.sweep("penguins", register=False)
    found = read_configuration(Path("configs/model_config.yaml")).trained
    trained = rk.train("tasks/penguins.yaml")
    assert trained.family == found.family
    assert found.metrics == pytest.approx(trained.metrics)
    assert trained.digest == swept.digest


def test_rows_and_pre_processing_are_prepared_without_a_fit(place, capfd):
    palmerpenguins.load_penguins().to_csv("raw.csv", index=False)
    command = ["train", "--config", "tasks/penguins.yaml", "--data", "raw.csv", "--prepare-only"]
    assert run_command([*command, "--processed-dir", "out", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["metrics"] == {}
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "cleaned_penguins.csv",
        "featured_penguins.csv",
        "preprocessing_penguins.skops",
    ]


def test_where_no_candidate_can_be_fitted_the_first_is_named(place, tmp_path):
    knn = {"knn": {"sets": [{"n_neighbors": 100000}]}}
    path = write_task(tmp_path / "tasks", candidates=knn)
    with pytest.raises(InputError, match="every candidate failed or was skipped; knn-1: "):
        rk.train(path)
    assert not Path("models/model").exists()


def test_a_model_that_is_worse_than_the_promoted_one_is_registered_only_where_none_compares(
    place, tmp_path
):
    gate = {"minimum": {"accuracy": 0.5}, "not_worse_than_production": True}
    write_task(place / "tasks", gate=gate)
    worse = {"decision_tree": TREES | {"sets": [{"max_depth": 1}]}}
    path = write_task(tmp_path / "tasks", candidates=worse, gate=gate)
    run_id = str(rk.train(path, mlflow_tracking_uri=uri(place)).run_id)
    with pytest.raises(Refused, match=r"accuracy 0\.\d{4} is worse than production's"):
        rk.register(run_id, compare=True)
    assert run_command(["register", "--run-id", run_id, "--compare"]) == 3
    assert rk.register(run_id).version == "2"


def test_a_better_one_passes_the_whole_gate(place):
    run_id = str(rk.train("tasks/penguins.yaml", mlflow_tracking_uri=uri(place)).run_id)
    registered = rk.register(run_id, compare=True)
    assert registered.version == "2"
    assert "production has" in registered.reason
    assert rk.query().version == "1"
