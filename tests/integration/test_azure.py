"""The whole life cycle with artifacts in Azure Blob, of which Azurite is the emulator."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException
from scripts.servers import free_port, start, stop
from tests.azurite import CONTAINER, azurite, connection
from tests.conftest import point_at, write_task
from tests.integration.serving.conftest import eventually, serving
from tests.penguins import PENGUIN
from tests.processes import ROOT

import rookery as rk
from rookery.cli import run_command
from rookery.core.azure_connection import EMULATOR_KEY, read_connection
from rookery.errors import Refused, RookeryError, Unavailable
from rookery.jobs.doctor import collect, project_checks, stores
from rookery.jobs.project import open_project
from rookery.settings import get_settings
from rookery.stores.azure_blobs import service

GATE = {"minimum": {"accuracy": 0.1}, "not_worse_than_production": False}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite(tmp_path_factory.mktemp("azurite")) as address:
        yield address


def point(patch: pytest.MonkeyPatch, place: Path, address: str, **changes: str) -> None:
    """Makes the place a project whose artifacts go to the emulator."""
    write_task(place / "tasks", gate=GATE)
    point_at(patch, place)
    given = {
        "ARTIFACTS_DESTINATION": CONTAINER,
        "AZURE_STORAGE_CONNECTION_STRING": connection(address),
    }
    for name, value in (given | changes).items():
        patch.setenv(name, value)
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def promoted(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after ingest, clean, sweep and promote."""
    place = tmp_path_factory.mktemp("azure")
    with pytest.MonkeyPatch.context() as patch:
        point(patch, place, emulator)
        rk.ingest("penguins")
        rk.clean("penguins")
        rk.sweep("penguins", cross_validate=False)
        rk.promote("penguins")
    get_settings.cache_clear()
    return place


@pytest.fixture
def place(promoted: Path, emulator: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    point(monkeypatch, promoted, emulator)
    return promoted


def blobs(address: str, container: str = "models") -> set[str]:
    client = service(read_connection(connection(address))).get_container_client(container)
    return set(client.list_blob_names())


def test_models_and_snapshot_are_in_the_container_that_was_made_and_nothing_is_on_disk(
    place, emulator
):
    names = blobs(emulator)
    assert any(name.endswith("/model.skops") for name in names)
    assert any("/snapshot/" in name and name.endswith(".parquet") for name in names)
    assert {name.split("/")[0] for name in names} == {"artifacts"}
    assert not (place / "home" / "artifacts").exists()


def test_the_api_serves_what_is_promoted_and_what_is_rolled_back_to(place):
    project = open_project("penguins")
    runs = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'candidate'")
    first = project.tracking.version("penguins", "1").run_id
    other = next(run.info.run_id for run in runs if run.info.run_id != first)
    with serving(get_settings()) as served:
        assert served.version() == "1"
        assert served.client.post("/predict", json=PENGUIN).json()["version"] == "1"
        assert rk.promote("penguins", run=other).version == "2"
        eventually(lambda: served.version() == "2")
        assert served.client.post("/predict", json=PENGUIN).json()["version"] == "2"
        assert rk.rollback("penguins").version == "1"
        eventually(lambda: served.version() == "1")
    assert rk.reproduce(1, "penguins").equal


def test_nothing_that_is_said_or_kept_holds_the_key(place, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        for command in (["status"], ["doctor"], ["doctor", "--json"], ["predict", "--row", "{}"]):
            run_command(command)
    said = capfd.readouterr()
    assert "models of devstoreaccount1" in said.out
    for key in (EMULATOR_KEY, EMULATOR_KEY[:20]):
        assert key not in said.out + said.err + caplog.text
        kept = [path for path in (place / "home").rglob("*") if path.is_file()]
        assert [path for path in kept if key.encode() in path.read_bytes()] == []


def test_doctor_finds_the_container_and_an_experiment_that_lies_elsewhere(place, monkeypatch):
    found = {one.check: one for one in collect(project_checks()) if one.area == "stores"}
    assert (found["artifacts"].level, found["tracking"].level) == ("ok", "ok")
    assert "experiments" not in found
    monkeypatch.setenv("ARTIFACTS_DESTINATION", CONTAINER.replace("models@", "others@"))
    get_settings.cache_clear()
    (missing,) = stores.container(*get_settings().azure)
    assert missing.level == "warning"
    assert "there is no container others" in missing.message
    (elsewhere,) = stores.locations(open_project("penguins").tracking)
    assert "an experiment keeps its place" in str(elsewhere.mend)


@pytest.mark.parametrize(
    "uri",
    [
        CONTAINER.replace("models@", "private@") + "/x",
        CONTAINER.replace("/artifacts", "/other/x"),
        f"{CONTAINER}/../other/x",
        CONTAINER.replace("devstoreaccount1", "crows"),
        "file:///etc",
    ],
)
def test_files_beside_the_folder_are_not_fetched(place, tmp_path, uri):
    with pytest.raises(Refused, match="lie elsewhere") as caught:
        open_project("penguins").tracking.download(uri, tmp_path)
    assert CONTAINER in caught.value.allowed


def test_mlflow_itself_opens_no_other_container_with_the_key(place, emulator):
    client = open_project("penguins").tracking.client
    other = CONTAINER.replace("models@", "private@")
    made = client.create_experiment("elsewhere", artifact_location=other)
    run = client.create_run(made)
    with pytest.raises(MlflowException, match="are kept below"):
        client.log_text(run.info.run_id, "words", "words.txt")
    containers = {one.name for one in service(get_settings().azure[1]).list_containers()}
    assert containers == {"models"}


def test_files_that_are_gone_are_told_from_a_store_that_is_away(place, tmp_path):
    with pytest.raises(Refused, match="are gone"):
        open_project("penguins").tracking.download(f"{CONTAINER}/nothing/here", tmp_path)


def wrong_key(address: str) -> str:
    whole = read_connection(connection(address))
    return whole.text.replace(whole.key, "QUFB" + whole.key[4:])


def test_a_wrong_key_is_named_before_anything_is_fitted(tmp_path, emulator, monkeypatch):
    point(monkeypatch, tmp_path, emulator, AZURE_STORAGE_CONNECTION_STRING=wrong_key(emulator))
    rk.ingest("penguins")
    rk.clean("penguins")
    with pytest.raises(Unavailable, match="AccountKey is not one of its keys") as caught:
        rk.sweep("penguins", cross_validate=False)
    assert caught.value.field == "AZURE_STORAGE_CONNECTION_STRING"
    assert EMULATOR_KEY[4:24] not in str(caught.value.as_dict())
    assert (
        open_project("penguins").tracking.client.search_experiments(
            filter_string="name = 'penguins'"
        )
        == []
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=https"}, "AccountKey and"),
        ({"AZURE_STORAGE_CONNECTION_STRING": ""}, "is missing"),
        ({"ARTIFACTS_DESTINATION": CONTAINER.replace("devstoreaccount1", "crows")}, "crows"),
    ],
)
def test_what_cannot_be_right_ends_every_command_before_it_begins(
    tmp_path, monkeypatch, capfd, changes, words
):
    point(monkeypatch, tmp_path, "http://127.0.0.1:9", **changes)
    assert run_command(["ingest", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert words in error["message"]
    assert not (tmp_path / "home").exists()


def test_azure_away_is_said_within_seconds_with_the_setting(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    point(monkeypatch, tmp_path, f"http://127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(RookeryError, match="cannot be reached: connection refused") as caught:
        open_project("penguins").tracking.experiment("penguins")
    assert caught.value.exit_code == 1
    assert time.monotonic() - began < 15
    faults = {one.check: one for one in collect(project_checks()) if one.level == "error"}
    assert "connection refused" in faults["artifacts"].message


def test_the_pages_of_make_local_show_what_is_in_the_container(place, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import local

    settings = get_settings()
    run_id = open_project("penguins").tracking.version("penguins", "1").run_id
    planned = local.plan(settings, free_port(), free_port())
    mlflow = next(one for one in planned if one.name == "MLflow")
    assert EMULATOR_KEY not in "".join(part for one in planned for part in one.command)
    assert [one.name for one in planned if EMULATOR_KEY in str(one.environment)] == ["MLflow"]
    address = f"http://127.0.0.1:{mlflow.port}"
    log = tmp_path / "mlflow.log"
    server = start("MLflow", mlflow.command, f"{address}/health", log, mlflow.environment)
    try:
        server.wait()
        asked = {"params": {"run_id": run_id}, "timeout": 60}
        listed = requests.get(f"{address}/api/2.0/mlflow/artifacts/list", **asked)
        assert "model_config.yaml" in {one["path"] for one in listed.json()["files"]}
    finally:
        stop([server])
