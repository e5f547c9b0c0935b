"""Promotions, rollbacks and faults while eight clients ask in every protocol."""

import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow.sklearn
import pytest
from mlflow import MlflowClient
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from tests.integration.serving.conftest import NUMBERS, Served, eventually
from tests.integration.serving.load import Load, Record, asking, said_by
from tests.integration.serving.test_metrics import read
from tests.integration.serving.test_swap import by_hand, log_by_hand, register_forest

from rookery.jobs.project import Project, open_project
from rookery.settings import get_settings

TEXTS = ["island", "sex"]
SWAPS = 50 if os.environ.get("ROOKERY_ALL_TESTS") else 10


@pytest.fixture
def project(home_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("RELOAD_SECONDS", "0.1")
    get_settings.cache_clear()
    return open_project("penguins")


@pytest.fixture
def records(project: Project) -> list[Record]:
    rows = project.tables.read("penguins_clean")
    found: list[Record] = rows[[*NUMBERS, *TEXTS]].iloc[::8].to_dict("records")
    return found


def register_uncompiled(project: Project) -> str:
    """A version on the same columns that scikit-learn itself answers for; its number."""
    numbers = make_pipeline(PolynomialFeatures(2), StandardScaler())
    columns = make_column_transformer((OneHotEncoder(), TEXTS), (numbers, NUMBERS))
    rows = project.tables.read("penguins_clean")
    X = rows[[*NUMBERS, *TEXTS]]
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(X, rows["species"])
    with mlflow.start_run(experiment_id=project.experiment):
        logged = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            input_example=X.head(2),
            registered_model_name="penguins",
            pip_requirements=["scikit-learn"],
            serialization_format="skops",
        )
    return str(logged.registered_model_version)


def has_seen(load: Load, version: str) -> bool:
    return all(
        (path, version) in load.seen for path in ("_one", "_batch", "_invocations", "_infer")
    )


def test_promotions_and_rollbacks_fail_no_request_and_mix_no_versions(
    project: Project, client: MlflowClient, running: Served, records: list[Record]
) -> None:
    versions = ["1", register_forest(project), register_uncompiled(project)]
    said = {version: said_by(project.tracking, version, records) for version in versions}
    paths = {}
    with asking(str(running.client.base_url), records, said) as load:
        for swap in range(1, SWAPS + 1):
            version = versions[swap % 3]
            client.set_registered_model_alias("penguins", "production", version)
            eventually(lambda version=version: running.version() == version)
            if swap <= 3:
                paths[version] = running.client.get("/model").json()["path"]
                eventually(lambda version=version: load.wrong or has_seen(load, version))
    assert load.wrong == []
    assert load.versions() == set(versions)
    loaded = "model_reloads_total{model=penguins,outcome=loaded}"
    eventually(lambda: read(running.client)[loaded] == SWAPS + 1)
    found = read(running.client)
    assert not [key for key in found if "method=POST" in key and "status=5" in key]
    assert paths["1"] != "pipeline"
    assert paths[versions[2]] == "pipeline"


def test_what_cannot_serve_leaves_the_old_version_serving_and_is_reported(
    project: Project, client: MlflowClient, running: Served, records: list[Record]
) -> None:
    said = {"1": said_by(project.tracking, "1", records)}
    bad = {
        "cloudpickle": log_by_hand(project, by_hand(), serialization_format="cloudpickle"),
        "cannot be read": damaged(project),
        "are gone": lost(project),
        "its own input example": failing(project),
    }
    with asking(str(running.client.base_url), records, said) as load:
        for number, (words, version) in enumerate(bad.items(), start=1):
            client.set_registered_model_alias("penguins", "production", version)
            eventually(lambda version=version: _failed(running).get("version") == version)
            assert words in _failed(running)["message"]
            found = read(running.client)
            assert found["model_reloads_total{model=penguins,outcome=refused}"] == number
        client.delete_registered_model_alias("penguins", "production")
        eventually(lambda: running.client.get("/ready").json()["warnings"])
        before = sum(load.seen.values())
        eventually(lambda: sum(load.seen.values()) > before + 20)
    assert load.wrong == []
    assert load.versions() == {"1"}


def _failed(served: Served) -> dict[str, Any]:
    return served.client.get("/ready").json()["failed"] or {}


def good_folder(project: Project) -> tuple[str, Path]:
    """A version that would serve, and the folder of its files."""
    version = log_by_hand(project, by_hand(), serialization_format="skops")
    found = project.tracking.version("penguins", version)
    return version, Path(urlsplit(project.tracking.model_uri(found)).path)


def damaged(project: Project) -> str:
    version, folder = good_folder(project)
    (file,) = folder.glob("*.skops")
    file.write_bytes(file.read_bytes()[:-100])
    return version


def lost(project: Project) -> str:
    version, folder = good_folder(project)
    shutil.rmtree(folder)
    return version


def failing(project: Project) -> str:
    version, folder = good_folder(project)
    (folder / "input_example.json").write_text('{"columns": ["bill_length_mm"], "data": [["x"]]}')
    return version
