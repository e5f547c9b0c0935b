"""Deployments to Azure: the real client and real containers, between them a stand-in of Azure."""

import copy
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripts.servers import free_port
from tests.arm import RESOURCE_GROUP, Arm, running_arm
from tests.conftest import point_at
from tests.stack.stack import ROOT
from tests.stack.tiny_model import examples, tiny_images

from rookery.cli import run_command
from rookery.core.container_group import image_of
from rookery.settings import get_settings

pytest.importorskip("azure.mgmt.containerinstance", reason="the extra `azure` is not installed")

MINE = uuid.uuid4().hex[:8]
TASK = f"tiny_{MINE}"
GROUP = f"rookery-tiny-{MINE}"
CONTAINER = f"aci-{MINE}"
PASSWORD = "hunter2-of-acr"
QUICK = ("--target", "aci", "--wait", "5", "--watch", "1")


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


class Host:
    """Runs the container of a group on this machine's engine, as Azure would on one of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.password = PASSWORD

    def serve(self, group: dict[str, Any]) -> str:
        container = group["properties"]["containers"][0]["properties"]
        published = f"--publish=127.0.0.1:{self.port}:8000"
        options = ["--detach", "--init", "--restart=always", "--name", CONTAINER, published]
        docker("run", *options, container["image"])
        return "127.0.0.1"

    def withdraw(self, _: str) -> None:
        docker("rm", "--force", CONTAINER, check=False)

    def restarts(self, _: str) -> int:
        found = docker("inspect", "--format", "{{.RestartCount}}", CONTAINER, check=False)
        return int(found or 0)

    def refuse(self, group: dict[str, Any]) -> tuple[int, str, str] | None:
        (credential,) = group["properties"]["imageRegistryCredentials"]
        if credential["password"] == self.password:
            return None
        return 400, "InaccessibleImage", "The image is not accessible."


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Iterator[dict[str, str]]:
    place = tmp_path_factory.mktemp("tiny")
    with tiny_images(place, TASK, f"mine{MINE}.azurecr.io/tiny") as tags:
        yield tags


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def azure(tmp_path_factory, port) -> Iterator[tuple[Arm, Path]]:
    """Azure, which runs groups on this machine's engine, and the certificate that it shows."""
    folder, host = tmp_path_factory.mktemp("azure"), Host(port)
    with running_arm(folder) as arm:
        arm.serve, arm.withdraw = host.serve, host.withdraw
        arm.refuse, arm.restarts = host.refuse, host.restarts
        try:
            yield arm, folder / "ca.pem"
        finally:
            host.withdraw(GROUP)


@pytest.fixture
def arm(azure, tmp_path, monkeypatch, port) -> Arm:
    """Azure without a request yet, and a project that is set to it."""
    arm, certificate = azure
    (tmp_path / "tasks").mkdir()
    point_at(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    settings = {
        "REQUESTS_CA_BUNDLE": str(certificate),
        "AZURE_CREDENTIALS": arm.credentials,
        "AZURE_RESOURCE_GROUP": RESOURCE_GROUP,
        "AZURE_REGION": "westeurope",
        "ACR_NAME": f"mine{MINE}",
        "ACR_USERNAME": "puller",
        "ACR_PASSWORD": PASSWORD,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    file = (ROOT / "deploy" / "aci" / "container-group.yaml").read_text(encoding="utf-8")
    (tmp_path / "group.yaml").write_text(file.replace("port: 8000", f"port: {port}"))
    arm.fails.clear()
    arm.requests.clear()
    return arm


@pytest.fixture
def right(arm, rookery, images) -> str:
    """The image that the group runs before the test."""
    group = arm.groups.get(GROUP)
    if group is None or image_of(group) != images["right"]:
        rookery("--image", images["right"])
        arm.requests.clear()
    return images["right"]


@pytest.fixture
def nothing(arm) -> None:
    """There is no group before the test."""
    arm.groups.clear()
    arm.withdraw(GROUP)


@pytest.fixture
def rookery(arm, capsys, tmp_path):
    """What was said by a command that is expected to end with that code."""

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        get_settings.cache_clear()
        file = ("--file", str(tmp_path / "group.yaml"))
        ended = run_command(["deploy", TASK, *QUICK, *file, *arguments, "--json"])
        printed = capsys.readouterr()
        assert "hunter2" not in printed.out + printed.err
        said = json.loads(printed.out)
        assert ended == code, said
        return said if code == 0 else said["error"]

    return run


def serves(port: int) -> str:
    record = examples(TASK, "1")["records"][0]
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=record, timeout=10).json()
    assert answer["prediction"] == "Adelie"
    return str(answer["version"])


def test_a_group_is_made_updated_and_rolled_back(rookery, arm, nothing, images, port):
    first = rookery("--image", images["right"])
    assert (first["version"], first["previous"]) == ("1", None)
    assert first["url"] == f"http://127.0.0.1:{port}"
    second = rookery("--image", images["second"])
    assert (second["version"], second["previous"]) == ("2", images["right"])
    assert serves(port) == "2"
    tags = arm.groups[GROUP]["tags"]
    assert (tags["rookery-version"], tags["rookery-previous-image"]) == ("2", images["right"])
    rookery("--image", images["second"])  # the same again keeps the one to go back to
    back = rookery("--rollback")
    assert (back["image"], back["version"]) == (images["right"], "1")
    assert serves(port) == "1"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("unhealthy", "/health: no 200 within"),
        ("wrong", "'Gentoo', expected 'Adelie'"),
        ("dies", "it did not stay: it ended with 7"),
    ],
)
def test_an_image_that_fails_its_gate_gives_the_group_back(
    rookery, right, arm, images, port, behaviour, words
):
    before = copy.deepcopy(arm.groups[GROUP]["properties"]["containers"])
    error = rookery("--image", images[behaviour], code=3)
    assert words in error["message"]
    assert f"{images['right']} serves at http://127.0.0.1:{port}, put back" in error["message"]
    assert "| its last line" in error["message"]
    assert serves(port) == "1"
    (_, _), (_, again) = arm.asked("PUT")
    assert again["properties"]["imageRegistryCredentials"][0]["password"] == PASSWORD
    assert again["properties"]["containers"] == before


def test_a_group_that_azure_cannot_provision_is_put_back(rookery, right, arm, images, port):
    arm.fails[images["second"]] = "Subnet is full."
    error = rookery("--image", images["second"], code=3)
    assert "Subnet is full." in error["message"]
    assert "put back" in error["message"]
    assert serves(port) == "1"


def test_a_first_group_that_fails_is_deleted(rookery, nothing, arm, images):
    error = rookery("--image", images["wrong"], code=3)
    assert "nothing serves, as before" in error["message"]
    assert arm.groups == {}


def test_what_azure_does_not_take_changes_nothing(rookery, right, arm, images, port, monkeypatch):
    monkeypatch.setenv("ACR_PASSWORD", "hunter2-is-another")
    error = rookery("--image", images["second"], code=1)
    assert "InaccessibleImage" in error["message"]
    assert serves(port) == "1"
    assert len(arm.asked("PUT")) == 1


def test_what_azure_cannot_change_in_place_is_refused_before_it_is_asked(
    rookery, right, arm, images, port, tmp_path
):
    file = tmp_path / "group.yaml"
    file.write_text(file.read_text().replace("cpu: 1.0", "cpu: 2.0"))
    error = rookery("--image", images["second"], code=3)
    assert "cpu is 1.0, not 2.0" in error["message"]
    assert arm.asked("PUT") == []
    assert serves(port) == "1"


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("AZURE_CREDENTIALS", "AZURE_CREDENTIALS is not set"),
        ("AZURE_RESOURCE_GROUP", "AZURE_RESOURCE_GROUP is not set"),
        ("AZURE_REGION", "AZURE_REGION is not set"),
        ("ACR_PASSWORD", "ACR_PASSWORD is not set"),
        ("ACR_NAME", "ACR_NAME is not set"),
    ],
)
def test_a_setting_that_is_missing_is_named_before_anything_is_asked(
    rookery, arm, images, monkeypatch, lacking, words
):
    monkeypatch.delenv(lacking)
    error = rookery("--image", images["right"], code=2)
    assert words in error["message"]
    assert arm.asked("PUT") == []
