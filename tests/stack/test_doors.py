"""Every door of the stack, tried from outside with no key, a wrong key, and somebody else's."""

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.stack.stack import SERVERS, Stack, wait_until

PICKLED = """
import os, pathlib
os.environ["MLFLOW_TRACKING_PASSWORD"] = pathlib.Path("/run/keys/password").read_text()
import mlflow
from sklearn.dummy import DummyClassifier
mlflow.set_experiment("pickled")
model = DummyClassifier(strategy="constant", constant="Adelie").fit([[0.0]], ["Adelie"])
with mlflow.start_run():
    logged = mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle")
version = mlflow.register_model(logged.model_uri, "penguins").version
mlflow.MlflowClient().set_registered_model_alias("penguins", "production", version)
print("made version", version)
"""


@pytest.fixture(scope="module")
def api_password(promoted: Stack) -> str:
    return promoted.key("mlflow", "api_password")


# --- MLflow


@pytest.mark.parametrize(
    "login", [None, ("admin", "wrong-password"), ("admin", ""), ("nobody", "wrong-password")]
)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/2.0/mlflow/experiments/get?experiment_id=0",
        "/api/2.0/mlflow-artifacts/artifacts?path=",
        "/ajax-api/2.0/mlflow/users/list",
    ],
)
def test_mlflow_lets_nobody_in_without_the_right_password(promoted, path, login):
    answer = httpx.get(promoted.address("MLFLOW_PORT") + path, auth=login, timeout=60)
    assert answer.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("password", [None, "wrong-password", ""])
@pytest.mark.parametrize("path", ["/", "/api/2.0/mlflow/experiments/get?experiment_id=0"])
def test_mlflow_tells_a_page_of_another_site_nothing_about_passwords(promoted, path, password):
    """Without a password of its own the test sends the right one."""
    login = ("admin", promoted.password if password is None else password)
    door, evil = promoted.address("MLFLOW_PORT") + path, {"Host": "evil.example"}
    for auth in (login, None):
        answer = httpx.get(door, auth=auth, headers=evil, timeout=60)
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert "Invalid Host header" in answer.text
        assert "www-authenticate" not in answer.headers


def test_the_api_s_user_of_mlflow_reads(promoted, api_password):
    asked = {"name": "penguins", "alias": "production"}
    login = ("rookery_api", api_password)
    answer = promoted.mlflow("registered-models/alias", params=asked, auth=login)
    assert answer.status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("experiments/create", {"name": "mine"}),
        ("runs/create", {"experiment_id": "EXPERIMENT"}),
        ("runs/log-metric", {"run_id": "RUN", "key": "accuracy", "value": 1, "timestamp": 1}),
        ("runs/delete", {"run_id": "RUN"}),
        ("registered-models/create", {"name": "mine"}),
        ("registered-models/rename", {"name": "penguins", "new_name": "mine"}),
        ("model-versions/create", {"name": "penguins", "source": "runs:/RUN/m", "run_id": "RUN"}),
        ("registered-models/alias", {"name": "penguins", "alias": "production", "version": "1"}),
        ("registered-models/set-tag", {"name": "penguins", "key": "a", "value": "b"}),
        ("users/create", {"username": "mine", "password": "a-long-password"}),
    ],
)
def test_the_api_s_user_of_mlflow_cannot_write(promoted, api_password, path, wish):
    run, experiment = promoted.postgres(
        "SELECT run_uuid, experiment_id FROM runs WHERE status = 'FINISHED' LIMIT 1"
    )[0]
    names = {"RUN": run, "EXPERIMENT": str(experiment), "runs:/RUN/m": f"runs:/{run}/m"}
    body = {name: names.get(value, value) for name, value in wish.items()}
    answer = promoted.mlflow(path, json=body, auth=("rookery_api", api_password))
    assert answer.status_code == httpx.codes.FORBIDDEN, answer.text


# --- Jupyter


@pytest.mark.parametrize(
    "path", ["/api/contents", "/api/kernels", "/api/terminals", "/files/notebooks/01_ingest.ipynb"]
)
@pytest.mark.parametrize("token", ["", "?token=wrong"])
def test_jupyter_shows_nothing_without_the_token(promoted, path, token):
    answer = httpx.get(promoted.address("JUPYTER_PORT") + path + token, timeout=30)
    # a page sends people to the login, the API refuses
    expected = httpx.codes.FOUND if path.startswith("/files") else httpx.codes.FORBIDDEN
    assert answer.status_code == expected
    assert "01_ingest" not in answer.text


def test_jupyter_refuses_a_page_of_another_site_even_with_the_token(promoted):
    door = promoted.address("JUPYTER_PORT") + "/api/contents"
    said = {"Host": "evil.example", "Authorization": f"token {promoted.password}"}
    assert httpx.get(door, headers=said, timeout=30).status_code == httpx.codes.FORBIDDEN
    del said["Host"]
    assert httpx.get(door, headers=said, timeout=30).status_code == httpx.codes.OK


# --- S3; the contract of the store is in test_object_store


@pytest.mark.parametrize("bucket", ["mlflows3", "api-artifacts"])
def test_s3_refuses_who_has_no_keys(s3_endpoint, bucket):
    unsigned = Config(signature_version=UNSIGNED)
    anonymous = boto3.client(
        "s3", endpoint_url=s3_endpoint, config=unsigned, region_name="us-east-1"
    )
    assert s3_refusal(lambda: anonymous.list_objects_v2(Bucket=bucket)) == "AccessDenied"


@pytest.mark.parametrize(("owner", "other"), [("mlflow", "api-artifacts"), ("jobs", "mlflows3")])
def test_an_s3_user_is_refused_the_bucket_of_the_other(promoted, owner, other):
    client = promoted.s3(owner)
    assert s3_refusal(lambda: client.list_objects_v2(Bucket=other)) == "AccessDenied"
    assert s3_refusal(lambda: client.put_object(Bucket=other, Key="x", Body=b"")) == "AccessDenied"


def s3_refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


# --- the API


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/docs", "/metrics"])
def test_the_api_refuses_a_page_of_another_site(promoted, path):
    evil = promoted.api("GET", path, headers={"Host": "evil.example"})
    assert evil.status_code == httpx.codes.MISDIRECTED_REQUEST
    assert evil.headers["content-type"] == "application/problem+json"


def test_the_api_answers_to_its_name_inside_the_stack(promoted):
    asked = "import urllib.request as r; print(r.urlopen('http://fastapi:8000/ready').status)"
    assert promoted.execute("jupyter", "python", "-c", asked).stdout.strip() == "200"


@pytest.mark.parametrize("said", [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}])
def test_reload_is_refused_without_the_admin_token(promoted, said):
    refused = promoted.api("POST", "/reload", headers=said)
    assert refused.status_code == httpx.codes.UNAUTHORIZED


def test_reload_is_done_with_the_admin_token(promoted):
    token = promoted.key("fastapi", "admin_token")
    done = promoted.api("POST", "/reload", headers={"Authorization": f"Bearer {token}"})
    assert done.status_code == httpx.codes.OK
    assert done.json()["models"][0]["outcome"] == "unchanged"


def test_the_api_s_container_holds_no_keys_but_its_own(promoted):
    listed = promoted.execute("fastapi", "ls", "/run/keys").stdout.split()
    assert sorted(listed) == ["admin_token", "database_url", "mlflow_password"]
    assert urlsplit(promoted.key("fastapi", "database_url")).username == "rookery_api"
    said = promoted.execute("fastapi", "sh", "-c", "cat /proc/[0-9]*/environ").stdout
    assert "API_ADMIN_TOKEN_FILE=" in said
    assert "AWS_" not in said
    for service, name in (
        ("jupyter", "jobs_s3_secret_key"),
        ("jupyter", "my_app_user_password"),
        ("jupyter", "password"),
        ("mlflow", "mlflow_s3_secret_key"),
    ):
        assert promoted.key(service, name) not in said


def test_a_pickled_model_under_the_alias_is_refused_and_the_version_before_keeps_serving(promoted):
    before = promoted.predict()
    made = promoted.execute("jupyter", "python", "-", input=PICKLED).stdout
    version = made.rsplit("made version ", 1)[1].strip()
    try:
        ready = wait_until(lambda: refusal(promoted), "the API refuses the pickle", 30)
        assert ready["failed"]["version"] == version
        assert "pickle" in ready["failed"]["message"]
        assert ready["version"] == before["version"]
        after = promoted.predict()
        assert after["version"] == before["version"]
        assert after["probabilities"] == before["probabilities"]
    finally:
        alias = {"name": "penguins", "alias": "production", "version": before["version"]}
        promoted.mlflow("registered-models/alias", json=alias)
        gone = {"name": "penguins", "version": version}
        deleted = promoted.mlflow("model-versions/delete", json=gone, method="DELETE")
        assert deleted.is_success, deleted.text
    wait_until(lambda: refusal(promoted) is None, "the API is in step again", 30)


def refusal(stack: Stack) -> dict[str, Any] | None:
    """What /ready says, if it says that the registry's wish was not followed."""
    said = stack.api("GET", "/ready").json()
    return said if said["failed"] else None


# --- the machine


def test_every_port_is_published_on_loopback_and_on_nothing_else(promoted):
    for name in SERVERS:
        container = promoted.containers()[name]
        published = container["NetworkSettings"]["Ports"]
        addresses = {one["HostIp"] for ports in published.values() for one in ports or []}
        assert addresses == {"127.0.0.1"}, name


def test_nothing_answers_on_another_address_of_this_machine(promoted):
    networks = promoted.containers()["fastapi"]["NetworkSettings"]["Networks"].values()
    (bridge,) = [network["Gateway"] for network in networks]  # the host's own end of it
    for name, port in promoted.ports.items():
        with socket.socket() as probe:
            probe.settimeout(5)
            assert probe.connect_ex((bridge, port)) != 0, f"{name} answers at {bridge}:{port}"
