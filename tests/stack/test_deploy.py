"""Deployments to this machine's engine: real images, real containers, real ports."""

import json
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from filelock import FileLock
from scripts.servers import free_port
from tests.conftest import point_at, write_task
from tests.stack.stack import PENGUIN, ROOT, wait_until
from tests.stack.tiny_model import build, examples, tiny_images

import rookery as rk
from rookery.cli import run_command
from rookery.settings import get_settings

MINE = uuid.uuid4().hex[:8]
TASK, OTHER = f"tiny_{MINE}", f"other_{MINE}"
NAME = f"rookery-model-{TASK}"
QUICK = ("--wait", "20", "--watch", "1")


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def containers(task: str = TASK) -> dict[str, str]:
    """Image and state by name, of one task's containers."""
    mine = ("--filter", f"label=rookery.deployment={task}")
    pattern = "{{.Names}} {{.Image}} {{.State}}"
    listed = docker("ps", "--all", *mine, "--format", pattern)
    lines = [line.split() for line in listed.splitlines()]
    return {name: f"{image} {state}" for name, image, state in lines}


def inspect(name: str) -> Any:
    return json.loads(docker("inspect", name))[0]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Iterator[dict[str, str]]:
    with tiny_images(tmp_path_factory.mktemp("tiny"), TASK, f"tiny-{MINE}") as tags:
        yield tags


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch, port):
    (tmp_path / "tasks").mkdir()
    point_at(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPLOY_PORT", str(port))


def remove_all() -> None:
    if names := [*containers(TASK), *containers(OTHER)]:
        docker("rm", "--force", *names)


@pytest.fixture(scope="module", autouse=True)
def removed() -> Iterator[None]:
    yield
    remove_all()


@pytest.fixture
def rookery(capsys):
    """Exit code, and what was said, of a command."""

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        get_settings.cache_clear()
        ended = run_command(["deploy", *QUICK, *arguments, "--json"])
        said = json.loads(capsys.readouterr().out)
        assert ended == code, said
        return said if code == 0 else said["error"]

    return run


@pytest.fixture
def right(rookery, images) -> str:
    """The image that serves before the test, as the only one of its task."""
    if containers() != {NAME: f"{images['right']} running"}:
        remove_all()
        rookery(TASK, "--image", images["right"])
    return images["right"]


def serves(port: int, task: str = TASK) -> str:
    """The version that answers rightly at the port."""
    record = examples(task, "1")["records"][0]
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=record, timeout=10).json()
    assert answer["prediction"] == "Adelie"
    return str(answer["version"])


def answering(port: int) -> str | None:
    """The version at the port, or None while there is none."""
    try:
        return serves(port)
    except httpx.TransportError:
        return None


def test_the_first_deployment_serves_confined_and_says_where(rookery, images, port):
    remove_all()
    said = rookery(TASK, "--image", images["right"])
    assert said["url"] == f"http://localhost:{port}"
    assert (said["version"], said["previous"], said["away_seconds"]) == ("1", None, None)
    assert serves(port) == "1"
    assert list(containers()) == [NAME]
    found = inspect(NAME)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "1000:1000"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"][0]
    assert host["Memory"] == 2**30
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert {one["HostIp"] for one in found["NetworkSettings"]["Ports"]["8000/tcp"]} == {"127.0.0.1"}
    assert found["Config"]["Labels"]["rookery.deployment.image"] == images["right"]


def test_an_update_takes_the_place_and_a_rollback_gives_it_back(rookery, right, images, port):
    said = rookery(TASK, "--image", images["second"])
    assert (said["version"], said["previous"]) == ("2", images["right"])
    assert 0 < said["away_seconds"] < 15
    assert serves(port) == "2"
    assert containers() == {
        NAME: f"{images['second']} running",
        f"{NAME}-previous": f"{images['right']} exited",
    }
    rookery(TASK, "--image", images["second"])  # the same again keeps the one to go back to
    back = rookery(TASK, "--rollback")
    assert (back["image"], back["previous"], back["version"]) == (
        images["right"],
        images["second"],
        "1",
    )
    assert serves(port) == "1"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("unhealthy", "did not come up"),
        ("wrong", "'Gentoo', expected 'Adelie'"),
    ],
)
def test_an_image_that_fails_its_check_never_takes_the_place(
    rookery, right, images, port, behaviour, words
):
    began = inspect(NAME)["State"]["StartedAt"]
    error = rookery(TASK, "--image", images[behaviour], "--wait", "2", code=3)
    assert words in error["message"]
    assert (
        f"now: {images['right']} (version 1) serves at http://localhost:{port}" in error["message"]
    )
    assert f"listening as {behaviour}" in error["message"]
    assert inspect(NAME)["State"]["StartedAt"] == began
    assert serves(port) == "1"
    assert list(containers()) == [NAME]


@pytest.mark.parametrize(
    ("behaviour", "words", "log"),
    [
        ("dies", "it did not stay", "out of luck"),
        ("wrong-later", "'Gentoo', expected 'Adelie'", "listening as wrong-later"),
    ],
)
def test_an_image_that_fails_in_its_place_gives_it_back(
    rookery, right, images, port, behaviour, words, log
):
    error = rookery(TASK, "--image", images[behaviour], code=3)
    assert words in error["message"]
    assert (
        f"{images['right']} (version 1) serves at http://localhost:{port}, put back"
        in error["message"]
    )
    assert log in error["message"]
    assert serves(port) == "1"
    assert containers() == {NAME: f"{images['right']} running"}


def test_the_one_that_is_put_back_is_asked_with_its_own_key(rookery, images, monkeypatch):
    remove_all()
    monkeypatch.setenv("API_KEY", "the-first-key")
    rookery(TASK, "--image", images["right"])
    monkeypatch.setenv("API_KEY", "the-second-key")
    error = rookery(TASK, "--image", images["dies"], code=3)
    assert "put back" in error["message"]
    remove_all()


def test_a_first_deployment_that_fails_leaves_nothing(rookery, images):
    remove_all()
    error = rookery(TASK, "--image", images["dies"], code=3)
    assert "nothing serves, as before" in error["message"]
    assert containers() == {}


def test_a_second_task_serves_beside_and_a_taken_port_is_named(rookery, right, port, tmp_path):
    other = build(tmp_path, f"tiny-{MINE}:other", OTHER, "1", "right")
    try:
        error = rookery(OTHER, "--image", other, code=1)
        assert f"port {port} of this machine is taken" in error["message"]
        assert "--port" in error["next"]
        assert containers(OTHER) == {}
        with socket.socket() as program:
            program.bind(("127.0.0.1", 0))
            program.listen()
            beside = program.getsockname()[1]
            error = rookery(OTHER, "--image", other, "--port", str(beside), code=1)
            assert f"port {beside} of this machine is taken" in error["message"]
        rookery(OTHER, "--image", other, "--port", str(beside))
        assert (serves(port), serves(beside, OTHER)) == ("1", "1")
        assert rookery(OTHER, "--image", other)["url"].endswith(f":{beside}")
        error = rookery(TASK, "--image", other, code=2)
        assert f"holds the model {OTHER}, not {TASK}" in error["message"]
        assert serves(port) == "1"
    finally:
        remove_all()
        docker("image", "rm", "--force", other)


def test_what_a_killed_deployment_left_is_brought_in_order(rookery, right, images, port):
    rookery(TASK, "--image", images["second"])
    # killed between the two renames: nobody has the name, and the new one serves
    docker("rename", NAME, f"{NAME}-new")
    assert serves(port) == "2"
    assert rookery(TASK, "--image", images["right"])["previous"] == images["second"]
    # killed while the old one was stopped, before the new one was proven
    docker("stop", NAME)
    label = f"rookery.deployment={TASK}"
    docker("create", "--name", f"{NAME}-new", "--label", label, images["wrong"])
    assert "put back" in rookery(TASK, "--image", images["dies"], code=3)["message"]
    assert serves(port) == "1"


def test_an_interrupted_deployment_gives_the_place_back(right, images, port):
    command = [sys.executable, "-m", "rookery.cli", "deploy", TASK, "--watch", "60"]
    process = subprocess.Popen([*command, "--image", images["second"]], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: answering(port) == "2", "the new image serves, and is watched")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert serves(port) == "1"
    assert containers() == {NAME: f"{right} running"}


def test_two_deployments_of_a_task_do_not_mix(rookery, right, images, tmp_path, port):
    (tmp_path / "home" / "deployments").mkdir(parents=True)
    with FileLock(tmp_path / "home" / "deployments" / f"{TASK}.lock"):
        error = rookery(TASK, "--image", images["second"], code=1)
    assert f"another deployment of {TASK} is under way" in error["message"]
    assert serves(port) == "1"


def test_an_image_that_is_nowhere_changes_nothing(rookery, right, port):
    error = rookery(TASK, "--image", f"localhost:1/nothing-{MINE}:1", code=2)
    assert "there is no image" in error["message"]
    assert serves(port) == "1"


def test_a_rollback_without_an_earlier_image_is_wrong_usage(rookery, right):
    error = rookery(TASK, "--rollback", code=2)
    assert "nothing of" in error["message"]


def test_a_dry_run_says_every_call_and_makes_none(rookery, right, images):
    before = inspect(NAME)["Id"]
    said = rookery(TASK, "--image", images["right"], "--dry-run")
    assert said["dry_run"] is True
    told = [f"{call['method']} {call['url']}" for call in said["calls"]]
    assert any("docker create" in line and "--read-only" in line for line in told)
    assert containers() == {NAME: f"{right} running"}
    assert inspect(NAME)["Id"] == before


@pytest.fixture
def packaged(tmp_path, monkeypatch) -> Iterator[str]:
    """The image of a model that was trained here, under a task name of its own."""
    task, tag = f"birds_{MINE}", f"birds-{MINE}:1"
    write_task(tmp_path / "tasks", name=task)
    for job in (rk.ingest, rk.clean, lambda one: rk.sweep(one, cross_validate=False), rk.promote):
        job(task)
    with monkeypatch.context() as patch:
        patch.chdir(ROOT)  # it is built from the sources
        rk.package(task, tags=[tag])
    try:
        yield task
    finally:
        if names := list(containers(task)):
            docker("rm", "--force", *names)
        docker("image", "rm", "--force", tag)


def test_a_packaged_model_serves_and_is_replaced_by_one_that_asks_for_a_key(
    rookery, packaged, monkeypatch
):
    image = f"birds-{MINE}:1"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        beside = probe.getsockname()[1]
    said = rookery(packaged, "--image", image, "--port", str(beside))
    assert said["version"] == "1"
    answer = httpx.post(f"{said['url']}/predict", json=PENGUIN)
    assert answer.json()["prediction"] == "Adelie"
    monkeypatch.setenv("API_KEY", "a key that clients send")
    said = rookery(packaged, "--image", image)
    assert said["away_seconds"] < 15
    assert httpx.post(f"{said['url']}/predict", json=PENGUIN).status_code == 401
    key = {"X-API-Key": "a key that clients send"}
    assert httpx.post(f"{said['url']}/predict", json=PENGUIN, headers=key).is_success
    inside = docker("exec", f"rookery-model-{packaged}", "sh", "-c", "id -u; touch /x || true")
    assert inside.splitlines()[0] == "1000"
