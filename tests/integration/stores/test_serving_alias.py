"""The alias without MLflow's client says what the client says, or leaves it to the client."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from tests.integration.stores.test_connection import serving

from rookery.settings import Settings, get_settings
from rookery.stores.serving_alias import carrying
from rookery.stores.tracking import Tracking

SCRIPT = Path(__file__).parents[3] / "scripts/mlflow_server.py"
NAME = "penguins"
VERSION = {"version": "3", "creation_timestamp": 1_700_000_000_000}
__all__ = ["serving"]  # a fixture


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of one model with three versions, the second of which carries the alias."""
    place = tmp_path_factory.mktemp("registry") / "a home of ours"
    client = Tracking(Settings(rookery_home=place)).client
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, place.as_uri())
    client.set_registered_model_alias(NAME, "production", "2")
    return place


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[str]:
    """MLflow's own server on the same file."""

    def call(what: str) -> str:
        command = [sys.executable, str(SCRIPT), what, "--folder", str(home)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    try:
        yield call("start").strip().partition("=")[2]
    finally:
        call("stop")


@pytest.fixture(params=["file", "server"])
def settings(request: pytest.FixtureRequest, home: Path) -> Settings:
    if request.param == "file":
        return Settings(rookery_home=home)
    return Settings(rookery_home=home, mlflow_tracking_uri=request.getfixturevalue("server"))


def beside(settings: Settings) -> MlflowClient:
    """A client on the file itself: a server takes no versions of a folder."""
    return Tracking(Settings(rookery_home=settings.home)).client


def as_the_client_says(settings: Settings) -> tuple[str, int] | None:
    found = Tracking(settings).aliased(NAME)
    return (str(found.version), int(found.creation_timestamp)) if found else None


def test_it_says_what_the_client_says_after_every_move(settings: Settings) -> None:
    client = beside(settings)
    for number in ("3", "2"):
        client.set_registered_model_alias(NAME, "production", number)
        found = carrying(settings, NAME)
        assert found == as_the_client_says(settings)
        assert found is not None
        assert found[0] == number


def test_what_carries_no_alias_or_is_gone_is_left_to_the_client(settings: Settings) -> None:
    client = beside(settings)
    other = settings.model_copy(update={"model_alias": "Production"})
    assert carrying(other, NAME) is None
    assert carrying(settings, "puffins") is None
    doomed = client.create_model_version(NAME, settings.home.as_uri())
    client.set_registered_model_alias(NAME, "production", doomed.version)
    assert carrying(settings, NAME) == (str(doomed.version), doomed.creation_timestamp)
    client.delete_model_version(NAME, doomed.version)
    assert as_the_client_says(settings) is None
    assert carrying(settings, NAME) is None
    client.set_registered_model_alias(NAME, "production", "2")


def test_an_alias_on_a_version_that_was_deleted_is_left_to_the_client(settings: Settings) -> None:
    doomed = beside(settings).create_model_version(NAME, settings.home.as_uri())
    beside(settings).delete_model_version(NAME, doomed.version)
    # as where the alias is given while the version is being deleted
    with closing(sqlite3.connect(settings.home / "mlflow.db")) as database, database:
        database.execute("update registered_model_aliases set version = ?", (doomed.version,))
    try:
        assert as_the_client_says(settings) is None
        assert carrying(settings, NAME) is None
    finally:
        beside(settings).set_registered_model_alias(NAME, "production", "2")


def test_certificates_that_cannot_be_read_are_left_to_the_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert carrying(Settings(mlflow_tracking_uri="https://127.0.0.1:9"), NAME) is None


def test_a_file_that_is_not_ours_or_no_registry_is_left_to_the_client(tmp_path: Path) -> None:
    empty = Settings(rookery_home=tmp_path / "none")
    assert carrying(empty, NAME) is None
    assert not empty.home.exists()
    (tmp_path / "mlflow.db").write_text("no database")
    assert carrying(Settings(rookery_home=tmp_path), NAME) is None
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    assert carrying(Settings(rookery_home=tmp_path, mlflow_tracking_uri=elsewhere), NAME) is None


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (200, "text/html", "<html>log in</html>"),
        (200, "application/json", [VERSION]),
        (200, "application/json", {"model_version": {"version": "3"}}),
        (200, "application/json", {"model_version": VERSION | {"creation_timestamp": "then"}}),
        (200, "application/json", {"model_version": VERSION | {"creation_timestamp": inf}}),
        (200, "application/json", "[" * 100_000),
        (302, "application/json", {"model_version": VERSION}),
        (403, "application/json", {"model_version": VERSION}),
        (503, "application/json", {"model_version": VERSION}),
    ],
)
def test_any_other_answer_is_left_to_the_client(serving, status: int, kind: str, said: Any) -> None:
    body = said if isinstance(said, str) else json.dumps(said)
    url, _ = serving(status, kind, body.encode(), Location="/login")
    assert carrying(Settings(mlflow_tracking_uri=url), NAME) is None


def test_a_server_is_asked_once_with_our_password_and_nobody_else_gets_it(serving) -> None:
    said = json.dumps({"model_version": VERSION}).encode()
    url, asked = serving(200, "application/json", said)
    given = {"mlflow_tracking_username": "api", "mlflow_tracking_password": "secret"}
    settings = Settings(mlflow_tracking_uri=f"{url}/", **given)
    assert carrying(settings, NAME) == ("3", 1_700_000_000_000)
    route = f"/api/2.0/mlflow/registered-models/alias?name={NAME}&alias=production"
    assert asked == [(route, "Basic YXBpOnNlY3JldA==")]
    silent = Settings(mlflow_tracking_uri="http://127.0.0.1:9", **given)
    assert carrying(silent, NAME) is None


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    get_settings.cache_clear()
