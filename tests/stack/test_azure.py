"""A stack whose MLflow keeps artifacts in Azure Blob: profile `azure`, beside any other stack."""

import json
import os
import secrets
from collections.abc import Iterator

import httpx
import pytest
from tests.azurite import connection
from tests.stack.conftest import give_to
from tests.stack.stack import SERVERS, Stack, copy_checkout, free_ports, wait_until

from rookery.core.azure_connection import EMULATOR_KEY, read_connection

PLACE = "wasbs://mlflow@devstoreaccount1.blob.core.windows.net/artifacts"
PREFIX = "azure-test-"
CUT = "DefaultEndpointsProtocol=https"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """It comes up with images of its own, and is given what opens Azure as a file."""
    folder = tmp_path_factory.mktemp("azure")
    copy_checkout(folder)
    for shared in ("notebooks", "tasks", "configs", "backups"):
        give_to(folder / shared, 1000)
    ports = free_ports("AZURITE_PORT")
    (folder / "azure.txt").write_text(f"{connection('http://azurite')}\n", encoding="utf-8")
    given = {name: str(port) for name, port in ports.items()} | {
        "COMPOSE_PROFILES": "azure",
        "IMAGE_PREFIX": PREFIX,
        "ARTIFACTS_DESTINATION": PLACE,
        "AZURE_STORAGE_CONNECTION_STRING_FILE": "./azure.txt",
    }
    (folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in given.items()), "utf-8")
    # .env decides; a variable of the caller's shell, which would win, has to be replaced
    stack = Stack(folder, ports, {name: given[name] for name in given if name in os.environ})
    try:
        stack.up("--build")
        stack.wait_healthy(*SERVERS, "azurite", seconds=180)
        yield stack
    finally:
        # profiles on the command line are instead of those in .env
        whole = ("--profile", "azure", "--profile", "maintenance")
        images = stack.compose(*whole, "config", "--images").stdout.split()
        stack.compose(*whole, "down", "--volumes", "--remove-orphans")
        made = [image for image in images if image.startswith(PREFIX)]
        stack.run("docker", "image", "rm", *made, check=False)


@pytest.fixture(scope="module")
def promoted(azure: Stack) -> Stack:
    azure.rookery("run")
    wait_until(lambda: azure.api("GET", "/ready").status_code == httpx.codes.OK, "a served model")
    return azure


def blobs(stack: Stack) -> set[str]:
    """The names of the blobs, asked of the emulator from the host."""
    from rookery.stores.azure_blobs import service

    opened = read_connection(connection(stack.address("AZURITE_PORT")))
    return set(service(opened).get_container_client("mlflow").list_blob_names())


def test_what_is_trained_promoted_served_and_rolled_back_lies_in_the_container(promoted):
    names = blobs(promoted)
    assert {name.split("/")[0] for name in names} == {"artifacts"}
    assert any(name.endswith("/model.skops") for name in names)
    assert promoted.artifacts() == set()
    assert promoted.predict()["version"] == "1"
    promoted.rookery("sweep")
    numbers = json.loads(promoted.rookery("status", "--json").stdout)["versions"]
    other = next(each["version"] for each in numbers if each["version"] != "1")
    promoted.rookery("promote", "--version", other)
    wait_until(lambda: promoted.predict()["version"] == other, f"version {other} served")
    promoted.rookery("rollback")
    wait_until(lambda: promoted.predict()["version"] == "1", "version 1 served")


def test_clients_have_the_server_alone_to_go_through(promoted):
    for service in ("jupyter", "fastapi"):
        said = promoted.execute(service, "env").stdout
        assert "AZURE" not in said
        assert "wasbs" not in said
    wish = {"path": "words.txt", "num_parts": 1}
    place = f"{promoted.address('MLFLOW_PORT')}/api/2.0/mlflow-artifacts/mpu/create/1/x/artifacts"
    answer = httpx.post(place, json=wish, auth=("admin", promoted.password), timeout=60)
    assert answer.is_error
    assert "sig=" not in answer.text


@pytest.mark.parametrize(
    "location",
    [PLACE.replace("mlflow@", "private@"), f"{PLACE}-2", "s3://mlflows3/x", "file:///tmp/x"],
)
def test_no_experiment_leads_to_another_place(promoted, location):
    name = f"elsewhere {secrets.token_hex(4)}"
    wish = {"name": name, "artifact_location": location}
    experiment = promoted.mlflow("experiments/create", json=wish).json()["experiment_id"]
    run = promoted.mlflow("runs/create", json={"experiment_id": experiment}).json()["run"]
    refused = httpx.post(
        f"{promoted.address('MLFLOW_PORT')}/ajax-api/2.0/mlflow/upload-artifact",
        params={"run_uuid": run["info"]["run_id"], "path": "words.txt"},
        content="words",
        headers={"Content-Type": "application/octet-stream"},
        auth=("admin", promoted.password),
        timeout=60,
    )
    assert refused.status_code == httpx.codes.BAD_REQUEST, refused.text


def test_the_key_is_in_no_log_and_not_in_what_docker_says(promoted):
    ids = promoted.compose("ps", "--all", "--quiet").stdout.split()
    said = promoted.run("docker", "inspect", *ids).stdout
    said += promoted.compose("logs", "--no-color").stdout
    assert EMULATOR_KEY not in said
    assert "UseDevelopmentStorage" not in said


@pytest.mark.parametrize("service", ["keys", "mlflow-migrate", "mlflow"])
def test_a_connection_string_that_was_cut_ends_the_start_with_what_is_missing(azure, service):
    given = ("-e", f"AZURE_STORAGE_CONNECTION_STRING={CUT}")
    run = ("run", "--rm", "-T", "--no-deps", *given, service)
    done = azure.compose(*run, check=False, timeout=120)
    assert done.returncode in (1, 2)
    assert "AccountName, AccountKey and EndpointSuffix are missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_says_that_the_files_are_not_in_it(promoted):
    said = promoted.compose("run", "--build", "--rm", "-T", "backup").stdout
    assert f"warning: files at {PLACE} are not in the backup" in said
    assert "has no files in the store" not in said


def test_azure_away_is_an_error_of_jobs_and_the_api_goes_on(promoted):
    with promoted.stopped("azurite"):
        done = promoted.rookery("reproduce", "1", "--json", check=False, timeout=120)
        assert done.returncode == 1, done.stdout
        assert promoted.predict()["version"] == "1"
    assert promoted.rookery("reproduce", "1").returncode == 0
