"""Following the registry, with a real one that changes under the server."""

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow.sklearn
import pytest
from mlflow import MlflowClient
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tests.integration.serving.conftest import ADMIN, NUMBERS, Served, eventually, serving
from tests.integration.serving.test_metrics import read

import rookery as rk
from rookery.jobs.project import Project
from rookery.serving.metrics import Metrics
from rookery.serving.swap import Follower
from rookery.settings import get_settings


class Unheard(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A type that nobody reviewed."""

    def fit(self, X: Any, y: Any = None) -> "Unheard":
        del X, y
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return X


def run_of(project: Project, family: str) -> str:
    found = project.tracking.runs(project.experiment, f"tags.family = '{family}'")
    return next(run.info.run_id for run in found if "mlflow.parentRunId" in run.data.tags)


def register_forest(project: Project) -> str:
    """A second version, without any alias; its number."""
    run = run_of(project, "random_forest")
    model = project.tracking.model_of_run(run)
    return project.tracking.register("penguins", model, run, {})


def by_hand() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def log_by_hand(project: Project, pipeline: Any, **options: Any) -> str:
    """What a notebook does with plain MLflow; the version's number."""
    rows = project.tables.read("penguins_clean")
    pipeline.fit(rows[NUMBERS], rows["species"])
    with mlflow.start_run(experiment_id=project.experiment):
        logged = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            input_example=rows[NUMBERS].head(2),
            registered_model_name="penguins",
            pip_requirements=["scikit-learn"],
            **options,
        )
    return str(logged.registered_model_version)


def failed(served: Served) -> dict[str, Any] | None:
    found: dict[str, Any] | None = served.client.get("/ready").json()["failed"]
    return found


def test_a_promotion_is_served_and_a_rollback_followed(
    project: Project, running: Served, penguin: dict[str, Any]
) -> None:
    promoted = rk.promote("penguins", run=run_of(project, "random_forest"))
    assert promoted.version == "2"
    eventually(lambda: running.version() == "2")
    answer = running.client.post("/predict", json=penguin).json()
    assert (answer["prediction"], answer["version"]) == ("Adelie", "2")
    assert running.client.get("/model").json()["family"] == "random_forest"

    rk.rollback("penguins")
    eventually(lambda: running.version() == "1")
    assert running.client.post("/predict", json=penguin).json()["version"] == "1"
    infos = [key for key in read(running.client) if key.startswith("model_info")]
    assert len(infos) == 1
    assert "version=1" in infos[0]


def test_a_promotion_by_plain_client_code_is_served_after_a_reload(
    project: Project, client: MlflowClient
) -> None:
    settings = project.settings.model_copy(update={"reload_seconds": 3600.0})
    with serving(settings) as slow:
        client.set_registered_model_alias("penguins", "production", register_forest(project))
        answer = slow.client.post("/reload", headers=ADMIN)
        assert answer.json()["models"] == [
            {"model": "penguins", "outcome": "loaded", "version": "2"}
        ]
        assert slow.version() == "2"


def test_an_alias_that_disappears_keeps_what_is_loaded(
    project: Project, client: MlflowClient, running: Served, penguin: dict[str, Any]
) -> None:
    client.delete_registered_model_alias("penguins", "production")
    eventually(lambda: running.client.get("/ready").json()["warnings"])
    ready = running.client.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["version"] == "1"
    assert "no version carries the alias 'production'" in ready.json()["warnings"][0]
    assert running.client.post("/predict", json=penguin).status_code == 200


def test_a_version_that_is_deleted_while_it_serves_keeps_serving(
    project: Project, client: MlflowClient, running: Served, penguin: dict[str, Any]
) -> None:
    client.delete_model_version("penguins", "1")
    eventually(lambda: running.client.get("/ready").json()["warnings"])
    assert running.client.post("/predict", json=penguin).json()["version"] == "1"


def test_the_stage_is_followed_where_there_is_no_alias(
    project: Project, client: MlflowClient
) -> None:
    client.delete_registered_model_alias("penguins", "production")
    with serving(project.settings) as served:
        ready = served.client.get("/ready").json()
        assert (ready["version"], ready["via"]) == ("1", "stage")
        second = register_forest(project)
        client.transition_model_version_stage("penguins", second, "Production", True)
        eventually(lambda: served.version() == "2")
        client.set_registered_model_alias("penguins", "production", "1")
        eventually(lambda: served.client.get("/ready").json()["via"] == "alias")
        assert served.version() == "1"


def test_after_the_alias_is_gone_a_stage_that_moves_is_followed_and_one_that_stays_is_not(
    project: Project, client: MlflowClient
) -> None:
    second = register_forest(project)
    client.set_registered_model_alias("penguins", "production", second)  # the stage stays on 1
    with serving(project.settings) as served:
        assert served.version() == "2"
        client.delete_registered_model_alias("penguins", "production")
        eventually(lambda: served.client.get("/ready").json()["warnings"])
        served.client.post("/reload", headers=ADMIN)
        assert served.version() == "2"
        client.transition_model_version_stage("penguins", second, "Production", True)
        client.transition_model_version_stage("penguins", "1", "Production", True)
        client.transition_model_version_stage("penguins", second, "Production", True)
        eventually(lambda: served.client.get("/ready").json()["via"] == "stage")
        client.transition_model_version_stage("penguins", "1", "Production", True)
        eventually(lambda: served.version() == "1")


def test_an_alias_in_another_case_is_reported_and_not_followed(
    project: Project, client: MlflowClient
) -> None:
    client.set_registered_model_alias("penguins", "Production", register_forest(project))
    with serving(project.settings) as served:
        ready = served.client.get("/ready").json()
        assert ready["version"] == "1"
        assert "'Production'" in ready["warnings"][0]


def test_a_pickled_model_is_refused_and_the_old_one_stays(
    project: Project, client: MlflowClient, running: Served, penguin: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    version = log_by_hand(project, by_hand(), serialization_format="cloudpickle")
    client.set_registered_model_alias("penguins", "production", version)
    eventually(lambda: failed(running))
    reason = failed(running)
    assert reason is not None
    assert reason["version"] == version
    assert "cloudpickle" in reason["message"]
    assert running.client.post("/predict", json=penguin).json()["version"] == "1"
    # looked at many times since, tried and told once
    eventually(lambda: running.client.get("/metrics").status_code == 200)
    answer = running.client.post("/reload", headers=ADMIN)
    assert answer.status_code == 409
    assert "cloudpickle" in answer.json()["detail"]
    found = read(running.client)
    assert found["model_reloads_total{model=penguins,outcome=refused}"] == 2
    assert caplog.text.count("cloudpickle") == 1

    client.set_registered_model_alias("penguins", "production", "1")
    eventually(lambda: failed(running) is None)


def test_a_type_that_is_not_on_our_list_is_refused_by_name_whatever_its_mlmodel_says(
    project: Project, client: MlflowClient, running: Served
) -> None:
    pipeline = make_pipeline(Unheard(), StandardScaler(), LogisticRegression())
    own = f"{Unheard.__module__}.Unheard"
    version = log_by_hand(
        project, pipeline, serialization_format="skops", skops_trusted_types=[own]
    )
    client.set_registered_model_alias("penguins", "production", version)
    eventually(lambda: failed(running))
    reason = failed(running)
    assert reason is not None
    assert own in reason["message"]
    assert "trusted_types.txt" in reason["next"]
    assert running.version() == "1"


def test_a_refused_version_is_no_obstacle_for_the_one_after_it(
    project: Project, client: MlflowClient, running: Served
) -> None:
    refused = log_by_hand(project, by_hand(), serialization_format="cloudpickle")
    client.set_registered_model_alias("penguins", "production", refused)
    eventually(lambda: failed(running))
    good = register_forest(project)
    client.set_registered_model_alias("penguins", "production", good)
    eventually(lambda: running.version() == good)
    eventually(lambda: failed(running) is None)  # a moment later, after it was kept


def test_a_model_that_fails_on_its_own_example_is_refused(
    project: Project, client: MlflowClient, running: Served
) -> None:
    version = log_by_hand(project, by_hand(), serialization_format="skops")
    found = project.tracking.version("penguins", version)
    folder = Path(urlsplit(project.tracking.model_uri(found)).path)
    example = {"columns": NUMBERS, "data": [["long", 1.0, 1.0, 1.0]]}
    (folder / "input_example.json").write_text(json.dumps(example), encoding="utf-8")
    client.set_registered_model_alias("penguins", "production", version)
    eventually(lambda: failed(running))
    assert "its own input example: InvalidRecords; the log" in str(failed(running))
    assert "'long'" not in str(failed(running))  # the error's own words
    assert running.version() == "1"


def test_a_classifier_of_several_targets_is_refused(
    project: Project, client: MlflowClient, running: Served
) -> None:
    """Its answer would be a list of labels, and its probabilities a list of tables."""
    rows = project.tables.read("penguins_clean")
    labels = rows[["species"]].assign(again=rows["species"])
    both = DecisionTreeClassifier().fit(rows[NUMBERS], labels)
    with mlflow.start_run(experiment_id=project.experiment):
        logged = mlflow.sklearn.log_model(
            both,
            name="model",
            input_example=rows[NUMBERS].head(2),
            registered_model_name="penguins",
            pip_requirements=["scikit-learn"],
            serialization_format="skops",
            skops_trusted_types=["sklearn.tree._tree.Tree"],
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias("penguins", "production", version)
    eventually(lambda: failed(running))
    assert "several labels for a row" in str(failed(running))
    assert running.version() == "1"


def test_a_first_version_that_is_refused_is_said_by_ready(
    project: Project, client: MlflowClient
) -> None:
    version = log_by_hand(project, by_hand(), serialization_format="cloudpickle")
    client.set_registered_model_alias("penguins", "production", version)
    with serving(project.settings, wait=False) as served:
        eventually(lambda: "cloudpickle" in served.client.get("/ready").json()["detail"])
        assert served.client.get("/ready").status_code == 503
        assert served.client.post("/predict", json={}).status_code == 503
        assert served.client.get("/health").status_code == 200


def test_a_registry_that_fails_is_reported_and_what_is_loaded_serves(
    home_copy: Path, running: Served, penguin: dict[str, Any]
) -> None:
    with closing(sqlite3.connect(home_copy / "mlflow.db")) as database:
        database.execute("ALTER TABLE registered_models RENAME TO elsewhere")
        eventually(lambda: failed(running))
        assert running.client.post("/predict", json=penguin).status_code == 200
        assert running.client.get("/ready").status_code == 200
        assert running.client.get("/model/versions").status_code == 503
        answer = running.client.post("/reload", headers=ADMIN)
        assert (answer.status_code, answer.json()["next"]) == (503, "rookery doctor")
        database.execute("ALTER TABLE elsewhere RENAME TO registered_models")
    eventually(lambda: failed(running) is None)


def test_a_registry_that_hangs_holds_up_no_prediction(
    home_copy: Path, running: Served, penguin: dict[str, Any]
) -> None:
    with closing(sqlite3.connect(home_copy / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        for _ in range(50):
            assert running.client.post("/predict", json=penguin).status_code == 200
        database.execute("ROLLBACK")


def test_until_the_first_look_has_ended_nobody_is_told_to_promote(
    project: Project, home_copy: Path, penguin: dict[str, Any]
) -> None:
    with closing(sqlite3.connect(home_copy / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with serving(project.settings, wait=False) as served:
            answer = served.client.post("/predict", json=penguin)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert "penguins is being looked up and loaded" in answer.json()["detail"]
            database.execute("ROLLBACK")
            eventually(lambda: served.version() == "1")


def test_a_registry_that_is_away_at_the_start_is_named(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    get_settings.cache_clear()
    with serving(get_settings(), wait=False) as served:
        eventually(lambda: "127.0.0.1:9" in served.client.get("/ready").json()["detail"])
        assert served.client.get("/ready").status_code == 503
        assert served.client.get("/ready").json()["next"] == "rookery doctor"
        assert served.client.get("/health").status_code == 200
        assert served.client.get("/model/versions").status_code == 503


def test_a_swap_renews_the_schema(project: Project, client: MlflowClient, running: Served) -> None:
    def fields() -> set[str]:
        document = running.client.get("/openapi.json").json()
        return set(document["components"]["schemas"]["penguins_record"]["properties"])

    assert "island" in fields()
    version = log_by_hand(project, by_hand(), serialization_format="skops")
    client.set_registered_model_alias("penguins", "production", version)
    eventually(lambda: running.version() == version)
    assert fields() == set(NUMBERS)


def test_a_log_line_tells_of_each_swap(
    project: Project, running: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rookery.serving")
    rk.promote("penguins", run=run_of(project, "random_forest"))
    eventually(lambda: running.version() == "2")
    eventually(lambda: "penguins: version 2 serves" in caplog.text)


@pytest.mark.parametrize("standing", ["nothing registered", "registered", "alias", "stage"])
def test_a_look_at_a_registry_that_did_not_change_is_one_request(
    project: Project, client: MlflowClient, standing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if standing != "alias":
        client.delete_registered_model_alias("penguins", "production")
    if standing in ("nothing registered", "registered"):
        client.transition_model_version_stage("penguins", "1", "None")
    if standing == "nothing registered":
        client.delete_registered_model("penguins")
    follower = Follower("penguins", project.settings, Metrics())
    follower.look()
    requests = calls_of(follower.tracking.client, monkeypatch)
    follower.look()
    assert len(requests) == 1, requests


def calls_of(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the client's methods, as they are called from now on."""
    called: list[str] = []

    def noting(name: str, method: Any) -> Any:
        return lambda *given, **named: (called.append(name), method(*given, **named))[1]

    for name in dir(client):
        if name.startswith(("get_", "search_")):
            monkeypatch.setattr(client, name, noting(name, getattr(client, name)))
    return called
