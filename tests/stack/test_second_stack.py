"""A second stack beside the first, from a folder with another name and with ports of its own."""

import os
import re
from collections.abc import Iterator

import httpx
import pytest
from tests.stack.conftest import give_to
from tests.stack.stack import SERVERS, Stack, copy_checkout, free_ports, wait_until


@pytest.fixture(scope="module")
def second(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Its folder has blanks and capital letters in its name, and its .env the ports alone."""
    stack.wait_healthy()
    folder = tmp_path_factory.mktemp("Second Stack of ROOKERY ")
    copy_checkout(folder)
    for shared in ("notebooks", "tasks", "configs"):
        give_to(folder / shared, 1000)
    ports = free_ports()
    (folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
    # .env decides; only a variable of the caller's shell, which would win, has to be replaced
    shell = {name: str(port) for name, port in ports.items() if name in os.environ}
    second = Stack(folder, ports, shell)
    try:
        second.up()
        second.wait_healthy()
        yield second
    finally:
        second.compose("down", "--volumes")


def test_it_comes_up_healthy_beside_the_first(stack, second):
    assert {second.health()[name] for name in SERVERS} == {"healthy"}
    assert {stack.health()[name] for name in SERVERS} == {"healthy"}
    first = {one["Id"] for one in stack.containers().values()}
    assert first.isdisjoint(one["Id"] for one in second.containers().values())


def test_every_service_answers_on_its_own_port(second):
    assert second.api("GET", "/health").status_code == httpx.codes.OK
    assert second.mysql("SELECT COUNT(*) FROM predictions") == [(0,)]
    assert second.postgres("SELECT COUNT(*) FROM registered_models") == [(0,)]
    for owner, bucket in (("mlflow", "mlflows3"), ("jobs", "api-artifacts")):
        assert second.s3(owner).list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    console = httpx.get(second.address("MINIO_CONSOLE_PORT"), timeout=30, follow_redirects=True)
    assert console.status_code == httpx.codes.OK
    token = {"Authorization": f"token {second.password}"}
    contents = httpx.get(second.address("JUPYTER_PORT") + "/api/contents", headers=token)
    assert contents.status_code == httpx.codes.OK


def test_welcome_prints_the_ports_of_dot_env(second):
    wait_until(lambda: second.health()["welcome"] == "exited 0", "welcome has spoken", 60)
    printed = second.run("docker", "logs", second.containers()["welcome"]["Id"]).stdout
    shown = {int(port) for port in re.findall(r"localhost:(\d+)", printed)}
    assert shown == set(second.ports.values())


def test_mlflow_lets_its_pages_in_on_the_other_port_and_on_no_third(second):
    page = httpx.get(
        second.address("MLFLOW_PORT"), auth=("admin", second.password), follow_redirects=True
    )
    assert page.status_code == httpx.codes.OK
    here = {"Origin": second.address("MLFLOW_PORT")}
    asked = {"json": {"max_results": 5}, "headers": here}
    assert second.mlflow("experiments/search", **asked).status_code == httpx.codes.OK
    elsewhere = {"Host": "localhost:5005"}
    refused = second.mlflow("experiments/get?experiment_id=0", headers=elsewhere)
    assert refused.status_code == httpx.codes.FORBIDDEN


def test_links_name_the_other_port(second):
    said = second.execute("jupyter", "sh", "-c", "echo $MLFLOW_UI_URL $API_UI_URL").stdout.split()
    assert said == [second.address("MLFLOW_PORT"), second.address("API_PORT")]


def test_its_secrets_are_its_own(stack, second):
    for service, name in (
        ("jupyter", "password"),
        ("mysql", "root_password"),
        ("postgres", "postgres_password"),
        ("minio", "root_password"),
        ("mlflow", "flask_secret_key"),
        ("fastapi", "admin_token"),
    ):
        assert second.key(service, name) != stack.key(service, name), f"{service}/{name}"
    stranger = second.mlflow("experiments/get?experiment_id=0", auth=("admin", stack.password))
    assert stranger.status_code == httpx.codes.UNAUTHORIZED


def test_it_goes_down_without_touching_the_first(stack, second):
    before = {name: (one["Id"], one["State"]["StartedAt"]) for name, one in running(stack).items()}
    volumes = f"label=com.docker.compose.project={project(second)}"
    listed = ["docker", "volume", "ls", "--quiet", "--filter", volumes]
    assert second.run(*listed).stdout.split()
    second.compose("down", "--volumes")
    assert second.containers() == {}
    assert second.run(*listed).stdout.split() == []
    after = {name: (one["Id"], one["State"]["StartedAt"]) for name, one in running(stack).items()}
    assert after == before
    stack.wait_healthy()


def running(stack: Stack) -> dict[str, dict]:
    return {name: one for name, one in stack.containers().items() if name in SERVERS}


def project(stack: Stack) -> str:
    return stack.containers()["fastapi"]["Config"]["Labels"]["com.docker.compose.project"]
