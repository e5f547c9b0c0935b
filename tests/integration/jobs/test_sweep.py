"""Sweep: what MLflow holds afterwards, and how candidates fail."""

import json
import os
from pathlib import Path

import git
import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier
from tests.conftest import copy_project

import rookery as rk
from rookery.core.cleaning import read_back
from rookery.core.holdout import digest, in_order, split
from rookery.errors import InputError
from rookery.jobs.project import open_project
from rookery.settings import get_settings
from rookery.stores.snapshots import read_snapshot
from rookery.text import swept as swept_text


class Stranger(DummyClassifier):
    """An estimator of the user's own, which no list of trusted types has."""


@pytest.fixture(scope="module")
def swept(promoted_home, tmp_path_factory):
    """A sweep with cross-validation in a Git checkout, on a copy of the promoted project."""
    place = tmp_path_factory.mktemp("checkout")
    copy_project(promoted_home.parent, place)
    edit_task(place, candidates=FAST)
    repository = git.Repo.init(place)
    with repository.config_writer() as config:
        config.set_value("user", "name", "Ada")
        config.set_value("user", "email", "ada@example.org")
    repository.index.add(["tasks/penguins.yaml"])
    repository.index.commit("The task")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, place)
        result = rk.sweep(
            "penguins",
            jobs=1,
            extra=[
                rk.Candidate("my_forest", RandomForestClassifier(max_depth=3, n_estimators=5)),
                rk.Candidate("broken", LogisticRegression(C=-1)),
                rk.Candidate("stranger", Stranger(strategy="most_frequent")),
            ],
        )
        yield place, repository.head.commit.hexsha, result
    get_settings.cache_clear()


FAST = {
    "logistic_regression": {"fixed": {"max_iter": 5000}, "sets": [{"C": 0.1}, {"C": 10.0}]},
    "decision_tree": {"sets": [{"max_depth": 2}], "max_rows": 100},
}


def edit_task(place: Path, **changes: object) -> None:
    yaml = YAML()
    path = place / "tasks" / "penguins.yaml"
    path.write_text(json.dumps(yaml.load(path) | changes), "utf-8")


def enter(patch: pytest.MonkeyPatch, place: Path) -> None:
    patch.chdir(place)
    patch.setenv("ROOKERY_HOME", str(place / "home"))
    patch.setenv("ROOKERY_TASKS", str(place / "tasks"))
    get_settings.cache_clear()


@pytest.fixture
def checkout(swept, monkeypatch):
    """The project of the sweep above, entered."""
    enter(monkeypatch, swept[0])
    return swept[0]


@pytest.fixture
def client(checkout) -> MlflowClient:
    return open_project("penguins").tracking.client


@pytest.fixture
def project(home_copy):
    return open_project("penguins")


def children(client: MlflowClient, parent: str) -> dict:
    experiment = client.get_run(parent).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    return {run.info.run_name: run for run in found}


def test_the_leaderboard_has_every_candidate_the_best_first_and_failures_last(swept):
    board = swept[2].leaderboard
    assert board["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert set(board["name"]) == {
        "logistic_regression-1",
        "logistic_regression-2",
        "decision_tree-1",
        "my_forest-1",
        "broken-1",
        "stranger-1",
    }
    assert board["cv_accuracy"].head(4).is_monotonic_decreasing
    assert set(board["name"].tail(2)) == {"broken-1", "stranger-1"}
    assert board["cv_accuracy_std"].head(4).notna().all()


def test_every_candidate_is_a_child_run_with_all_that_is_known_of_it(swept, client):
    _, commit, result = swept
    runs = children(client, result.run_id)
    rows = {row.name: row for row in result.rows}
    assert set(runs) == set(rows)
    for name, run in runs.items():
        assert run.info.run_id == rows[name].run_id
        assert run.data.params
        assert run.data.tags["family"] == rows[name].family == name.rpartition("-")[0]
        assert run.data.tags["mlflow.source.git.commit"] == commit
        (dataset,) = run.inputs.dataset_inputs
        assert dataset.dataset.digest == result.digest
        assert json.loads(dataset.dataset.profile)["num_rows"] == 333
        for metric, value in rows[name].metrics.items():
            assert run.data.metrics[metric] == value
        if not rows[name].error:
            assert {
                "cv_accuracy",
                "cv_log_loss",
                "holdout_accuracy",
                "holdout_roc_auc",
                "fit_seconds",
            } <= set(run.data.metrics)
    assert runs["logistic_regression-2"].data.params == {"max_iter": "5000", "C": "10.0"}
    assert runs["my_forest-1"].data.params == {"max_depth": "3", "n_estimators": "5"}


def test_every_child_has_a_model_with_signature_example_requirements_and_task(swept, checkout):
    project = open_project("penguins")
    for row in swept[2].rows[:4]:
        model_id = project.tracking.model_of_run(row.run_id)
        info = mlflow.models.get_model_info(f"models:/{model_id}")
        assert "bill_length_mm" in info.signature.inputs.input_names()
        assert info.signature.outputs
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
        pinned = (folder / "requirements.txt").read_text(encoding="utf-8")
        assert all("==" in line for line in pinned.splitlines())
        assert "scikit-learn==" in pinned
        task = (folder / "task.yaml").read_text(encoding="utf-8")
        assert task == (checkout / "tasks" / "penguins.yaml").read_text(encoding="utf-8")
        example = json.loads((folder / "input_example.json").read_text(encoding="utf-8"))
        assert len(example["data"]) == 3
        model = project.tracking.client.get_logged_model(model_id)
        assert model.status == "READY"
        assert {m.key for m in model.metrics} >= {"cv_accuracy", "holdout_accuracy"}


def test_a_logged_model_answers_the_same_by_plain_mlflow(swept, checkout):
    project = open_project("penguins")
    holdout = split(read_back(project.tables.read("penguins_clean"), project.task), project.task)[1]
    for row in swept[2].rows[:4]:
        uri = f"models:/{project.tracking.model_of_run(row.run_id)}"
        X = holdout[project.task.inputs]
        fitted = mlflow.sklearn.load_model(uri)
        assert (fitted.predict(X) == holdout["species"]).mean() == row.metrics["holdout_accuracy"]
        np.testing.assert_array_equal(mlflow.pyfunc.load_model(uri).predict(X), fitted.predict(X))


def test_the_rows_of_a_sweep_are_kept_once_per_digest_and_can_be_read(swept, checkout, tmp_path):
    project = open_project("penguins")
    client = project.tracking.client
    rows = read_back(project.tables.read("penguins_clean"), project.task)
    assert swept[2].digest == digest(rows)
    sweeps = [
        run
        for run in project.tracking.runs(project.experiment)
        if run.data.tags.get("rookery.kind") == "sweep"
    ]
    assert len(sweeps) == 2
    kept = {run.data.tags["rookery.snapshot"] for run in sweeps}
    assert len(kept) == 1
    assert [len(client.list_artifacts(run.info.run_id, "snapshot")) for run in sweeps] == [0, 1]
    pd.testing.assert_frame_equal(
        read_back(read_snapshot(project.tracking, kept.pop(), tmp_path), project.task),
        in_order(rows),
    )


def test_the_winner_has_its_pictures_and_any_other_run_gets_them_when_asked(swept, client):
    drawn = {file.path for file in client.list_artifacts(swept[2].best.run_id, "plots")}
    assert "plots/confusion_matrix.png" in drawn
    assert len(drawn) >= 4
    others = [row for row in swept[2].rows[1:] if client.list_artifacts(row.run_id, "plots")]
    assert others == []
    asked = rk.plots(swept[2].rows[2].run_id, "penguins")
    assert (
        {f"plots/{name}.png" for name in asked}
        == {file.path for file in client.list_artifacts(swept[2].rows[2].run_id, "plots")}
        >= {"plots/confusion_matrix.png"}
    )


@pytest.mark.parametrize(("name", "reason"), [("broken-1", "C"), ("stranger-1", "Stranger")])
def test_a_candidate_that_fails_is_a_failed_run_with_its_reason(swept, client, name, reason):
    row = next(row for row in swept[2].rows if row.name == name)
    run = client.get_run(row.run_id)
    assert run.info.status == "FAILED"
    assert reason in run.data.tags["rookery.error"]
    assert reason in row.error
    assert row.metrics == {}
    assert not run.outputs or not run.outputs.model_outputs


def test_a_failed_candidate_leaves_no_unfinished_model(swept, client):
    experiment = client.get_run(swept[2].run_id).info.experiment_id
    models = client.search_logged_models([experiment])
    assert {model.status for model in models} == {"READY"}


def test_a_family_with_a_row_limit_is_fitted_on_a_sample_and_says_so(swept, client):
    runs = children(client, swept[2].run_id)
    assert runs["decision_tree-1"].data.tags["rookery.rows"] == "100"
    assert runs["decision_tree-1"].data.tags["rookery.sampled"] == "True"
    assert runs["my_forest-1"].data.tags["rookery.sampled"] == "False"


def test_the_best_is_registered_with_its_family_and_digest(swept, client):
    result = swept[2]
    version = client.get_model_version("penguins", result.version)
    assert version.run_id == result.best.run_id
    assert version.tags["family"] == result.best.family
    assert version.tags["rookery.digest"] == result.digest
    assert result.versions == {result.best.run_id: result.version}
    assert client.get_run(result.run_id).info.status == "FINISHED"
    assert (
        client.get_run(result.run_id).data.metrics["cv_accuracy"]
        == (result.best.metrics["cv_accuracy"])
    )


def test_two_sweeps_give_equal_metrics(swept, checkout):
    again = rk.sweep("penguins", jobs=1, register=False)
    first = {row.name: row.metrics for row in swept[2].rows if not row.error}
    second = {row.name: row.metrics for row in again.rows}
    assert {name: first[name] for name in second} == second
    assert [row.name for row in again.rows] == [
        row.name for row in swept[2].rows if row.name in second
    ]


def test_a_pipeline_of_the_users_own_is_given_raw_columns(project):
    own = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]), remainder="passthrough"
        ),
        DecisionTreeClassifier(max_depth=3),
    )
    result = rk.sweep("penguins", extra=[rk.Candidate("own", own)], cross_validate=False)
    row = next(row for row in result.rows if row.family == "own")
    assert row.error is None
    assert row.metrics["holdout_accuracy"] > 0.8


def test_when_every_candidate_fails_the_reason_is_said_and_nothing_is_registered(project):
    before = [v.version for v in project.tracking.versions("penguins")]
    edit_task(
        project.settings.home.parent,
        candidates={"logistic_regression": {"sets": [{"C": -1.0}, {"C": -2.0}]}},
    )
    with pytest.raises(InputError, match=r"every candidate failed.*'C'") as caught:
        rk.sweep("penguins", cross_validate=False)
    assert caught.value.field == "candidates"
    assert [v.version for v in project.tracking.versions("penguins")] == before
    (parent, *_) = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'sweep'", 1)
    assert parent.info.status == "FAILED"


def test_a_sweep_without_a_column_registers_nothing_and_is_not_promoted_by_default(project):
    before = [v.version for v in project.tracking.versions("penguins")]
    result = rk.sweep("penguins", without=["island"], cross_validate=False)
    assert result.version is None
    assert result.versions == {}
    assert [v.version for v in project.tracking.versions("penguins")] == before
    model = project.tracking.model_of_run(result.best.run_id)
    assert (
        "island"
        not in mlflow.models.get_model_info(f"models:/{model}").signature.inputs.input_names()
    )
    assert not rk.promote("penguins").changed
    assert rk.status("penguins")["sweep"]["run_id"] != result.run_id


def test_a_sweep_without_a_column_that_is_no_feature_is_refused(project):
    with pytest.raises(InputError, match="'wings'") as caught:
        rk.sweep("penguins", without=["wings"])
    assert "island" in caught.value.allowed


def test_each_family_registers_one_version_of_each_family_that_passes_the_gate(project):
    place = project.settings.home.parent
    edit_task(
        place,
        register="each_family",
        candidates=FAST | {"gaussian_nb": {"sets": [{"var_smoothing": 1e6}]}},
        gate={"minimum": {"accuracy": 0.8}, "not_worse_than_production": False},
    )
    result = rk.sweep("penguins", cross_validate=False)
    families = {row.run_id: row.family for row in result.rows}
    assert sorted(families[run] for run in result.versions) == [
        "decision_tree",
        "logistic_regression",
    ]
    assert result.version == result.versions[result.best.run_id]


def test_a_budget_that_is_over_leaves_the_first_candidate_and_says_what_it_skipped(project):
    edit_task(project.settings.home.parent, candidates=FAST)
    result = rk.sweep("penguins", time_budget=0)
    assert [row.name for row in result.rows if row.fitted] == ["logistic_regression-1"]
    reasons = {row.name: row.skipped for row in result.rows if not row.fitted}
    assert set(reasons) == {"logistic_regression-2", "decision_tree-1"}
    assert set(reasons.values()) == {"the time budget of 0 s was over"}
    assert result.version is not None
    assert "decision_tree-1: skipped, the time budget" in swept_text(result)


def test_too_few_rows_are_said_before_anything_is_written(project):
    with rk.connect().begin() as connection:
        connection.exec_driver_sql("DELETE FROM penguins_clean WHERE rowid > 8")
    before = len(project.tracking.runs(project.experiment))
    with pytest.raises(InputError, match="penguins_clean has too few rows"):
        rk.sweep("penguins")
    assert len(project.tracking.runs(project.experiment)) == before


def test_one_class_alone_cannot_be_learnt(project):
    with rk.connect().begin() as connection:
        connection.exec_driver_sql("DELETE FROM penguins_clean WHERE species <> 'Gentoo'")
    with pytest.raises(InputError, match="same species") as caught:
        rk.sweep("penguins")
    assert caught.value.value == "Gentoo"


def test_a_best_below_the_minimum_is_not_registered_and_leaves_a_refused_row(project):
    edit_task(
        project.settings.home.parent,
        candidates={"decision_tree": {"sets": [{"max_depth": 1}]}},
        gate={"minimum": {"accuracy": 0.99}},
    )
    rows = len(project.ledger.entries("penguins"))
    versions = len(project.tracking.versions("penguins"))
    result = rk.sweep("penguins", cross_validate=False)
    assert result.version is None
    assert "misses the gate's 0.99" in result.verdict
    assert "challenger" not in project.tracking.aliases("penguins")
    assert len(project.tracking.versions("penguins")) == versions
    added = project.ledger.entries("penguins")[rows:]
    assert [entry.outcome for entry in added] == ["refused"]
    assert "by 0." in added[0].reason


class Killer(DummyClassifier):
    """An estimator that takes its process down, as one does that runs out of memory."""

    def fit(self, X, y, sample_weight=None):  # noqa: ARG002
        os._exit(9)


def test_a_candidate_that_kills_its_worker_fails_alone(home_copy):
    killer = rk.Candidate("killer", Killer(strategy="most_frequent"))
    result = rk.sweep("penguins", jobs=2, extra=[killer], register=False)
    failed = {row.name: row.error for row in result.rows if row.error}
    assert list(failed) == ["killer-1"]
    assert "terminated" in failed["killer-1"].lower() or "died" in failed["killer-1"].lower()
    assert result.best.metrics["cv_accuracy"] > 0.9


def test_the_order_of_the_source_changes_no_metric(home_copy, tmp_path):
    first = rk.sweep("penguins", register=False)
    shuffled = tmp_path / "shuffled.parquet"
    rk.connect().dispose()
    rows = pd.read_sql("SELECT * FROM penguins_raw", rk.connect())
    rows = rows.drop(columns=["batch_id", "ingested_at"]).sample(frac=1, random_state=7)
    rows.to_parquet(shuffled)
    rk.ingest("penguins", source=str(shuffled))
    rk.clean("penguins")
    second = rk.sweep("penguins", register=False)
    assert second.digest == first.digest
    assert {r.name: r.metrics for r in second.rows} == {r.name: r.metrics for r in first.rows}


def test_tasks_that_share_an_experiment_keep_their_own_sweeps(home_copy, monkeypatch):
    monkeypatch.setenv("EXPERIMENT_NAME", "shared")
    get_settings.cache_clear()
    folder = Path(os.environ["ROOKERY_TASKS"])
    text = (folder / "penguins.yaml").read_text(encoding="utf-8")
    (folder / "others.yaml").write_text(text.replace("name: penguins", "name: others"), "utf-8")
    mine = rk.sweep("penguins", cross_validate=False)
    rk.ingest("others")
    rk.clean("others")
    rk.sweep("others", cross_validate=False)
    assert rk.status("penguins")["sweep"]["run_id"] == mine.run_id
