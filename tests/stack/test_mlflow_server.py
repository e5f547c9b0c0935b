"""What our MLflow server does and does not by default: artifacts, refusals to start, metrics."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import mlflow
import pytest
from mlflow.entities import Run
from tests.stack.stack import Stack

TEXT = "a rook on the tower\n" * 1000
METRICS = "http://mlflow:5006/metrics"


@dataclass(frozen=True)
class Logged:
    """A run of a client on the host, and where its artifact is."""

    stack: Stack
    client: mlflow.MlflowClient
    run: Run

    @property
    def path(self) -> str:
        return f"{self.run.info.experiment_id}/{self.run.info.run_id}/artifacts/words.txt"


@pytest.fixture
def on_host(promoted: Stack, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """A client as a user of the host has it, that would take links to the object store."""
    for name, value in {
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD": promoted.password,
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE": "1",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return mlflow.MlflowClient(promoted.address("MLFLOW_PORT"))


@pytest.fixture
def logged(promoted: Stack, on_host: mlflow.MlflowClient) -> Iterator[Logged]:
    experiment = on_host.create_experiment(f"from the host {secrets.token_hex(4)}")
    run = on_host.create_run(experiment)
    on_host.log_text(run.info.run_id, TEXT, "words.txt")
    yield Logged(promoted, on_host, run)
    on_host.delete_experiment(experiment)


def test_an_artifact_that_the_host_logs_is_fetched_back_on_the_host(logged, tmp_path):
    assert logged.run.info.artifact_uri.startswith("mlflow-artifacts:/")
    found = logged.client.download_artifacts(logged.run.info.run_id, "words.txt", str(tmp_path))
    assert Path(found).read_text(encoding="utf-8") == TEXT
    assert f"artifacts/{logged.path}" in logged.stack.artifacts()


def test_the_server_hands_the_bytes_themselves_and_sends_nobody_to_the_store(logged):
    answer = ask(logged.stack, "GET", f"mlflow-artifacts/artifacts/{logged.path}")
    assert (answer.status_code, answer.text) == (httpx.codes.OK, TEXT)


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "mlflow-artifacts/presigned/PATH"),
        ("POST", "mlflow-artifacts/mpu/create/PATH"),
        ("POST", "mlflow/artifacts/presigned-download-url"),
        ("POST", "mlflow/artifacts/presigned-upload-url"),
    ],
)
def test_no_link_to_the_store_is_handed_out(logged, method, route):
    wish = {"run_id": logged.run.info.run_id, "path": "words.txt", "num_parts": 1}
    options = {"json": wish} if method == "POST" else {}
    answer = ask(logged.stack, method, route.replace("PATH", logged.path), **options)
    assert answer.is_error, answer.text
    assert "minio" not in answer.text
    assert "X-Amz-Signature" not in answer.text


def ask(stack: Stack, method: str, route: str, **options: object) -> httpx.Response:
    """As `admin`; redirects are not followed."""
    place = f"{stack.address('MLFLOW_PORT')}/api/2.0/{route}"
    return httpx.request(method, place, auth=("admin", stack.password), timeout=60, **options)


@pytest.mark.parametrize("location", ["file:///tmp/x", "/tmp/x"])
def test_artifacts_go_into_no_folder_of_the_server_even_for_admin(promoted, location):
    name = f"elsewhere {secrets.token_hex(4)}"
    wish = {"name": name, "artifact_location": location}
    made = promoted.mlflow("experiments/create", json=wish)
    assert made.is_success, made.text
    experiment = made.json()["experiment_id"]
    try:
        run = promoted.mlflow("runs/create", json={"experiment_id": experiment}).json()["run"]
        refused = upload(promoted, run["info"]["run_id"])
        assert refused.status_code == httpx.codes.BAD_REQUEST, refused.text
        assert "This server keeps no artifacts at" in refused.text
        assert promoted.execute("mlflow", "ls", "/tmp/x", check=False).returncode != 0
    finally:
        promoted.mlflow("experiments/delete", json={"experiment_id": experiment})


def upload(stack: Stack, run: str) -> httpx.Response:
    """What MLflow's own pages use to log an artifact."""
    return httpx.post(
        f"{stack.address('MLFLOW_PORT')}/ajax-api/2.0/mlflow/upload-artifact",
        params={"run_uuid": run, "path": "words.txt"},
        content=TEXT,
        headers={"Content-Type": "application/octet-stream"},
        auth=("admin", stack.password),
        timeout=60,
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"MLFLOW_AUTH": "off", "BIND_ADDRESS": "0.0.0.0"},
            "MLFLOW_AUTH=off would open MLflow to all who reach BIND_ADDRESS=0.0.0.0",
        ),
        ({"MLFLOW_AUTH": "no"}, "MLFLOW_AUTH is 'no'; it may be on or off"),
        ({"MLFLOW_ALLOWED_HOSTS": "*"}, "MLFLOW_ALLOWED_HOSTS has '*'"),
        ({"MLFLOW_ALLOWED_HOSTS": "a,*:5005"}, "MLFLOW_ALLOWED_HOSTS has '*:5005'"),
    ],
)
def test_a_setting_that_would_open_mlflow_to_all_ends_its_start(promoted, settings, message):
    given = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
    run = ("run", "--rm", "-T", "--no-deps", *given, "mlflow")
    done = promoted.compose(*run, check=False, timeout=120)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "MLFLOW_" in line]
    assert said.startswith(message)
    assert ".env" in said


def test_metrics_are_read_inside_the_network_without_a_password(promoted):
    assert promoted.mlflow("experiments/get?experiment_id=0").is_success
    program = f"import urllib.request; print(urllib.request.urlopen({METRICS!r}).read().decode())"
    shown = promoted.execute("jupyter", "python", "-c", program).stdout
    assert re.search(r"^mlflow_http_request_total\{.*200.*\} [1-9]", shown, re.MULTILINE)
    assert re.search(r"^process_resident_memory_bytes [1-9]", shown, re.MULTILINE)


def test_metrics_are_not_published_on_the_host(promoted):
    ports = promoted.containers()["mlflow"]["NetworkSettings"]["Ports"]
    assert {name for name, published in ports.items() if published} == {"5005/tcp"}
    page = httpx.get(promoted.address("MLFLOW_PORT") + "/metrics", timeout=30)
    assert page.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8888", "null"])
def test_a_page_of_another_port_of_this_machine_is_refused_with_the_right_password(
    promoted, origin
):
    asked = {"params": {"experiment_id": "0"}, "headers": {"Origin": origin}}
    assert promoted.mlflow("experiments/get", **asked).status_code == 403


def test_the_page_of_mlflow_itself_may_ask(promoted):
    own = {"Origin": promoted.address("MLFLOW_PORT")}
    answer = promoted.mlflow("experiments/get", params={"experiment_id": "0"}, headers=own)
    assert answer.status_code == 200
