"""The stack that the tests of this folder share.

It is made from a copy of the checkout without .env, started by `docker compose up`, and taken down
with its volumes. `ROOKERY_STACK_KEEP=FOLDER` keeps copy and containers there from one run to the
next, for work on these tests; the port variables of `.env.example` move it away from a stack that
runs already.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout
from tests.stack.stack import PORTS, Stack, copy_checkout

PROFILES = ("--profile", "maintenance", "--profile", "batches")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts the stack comes first, what takes it down last."""
    order = {"test_cold_start": -1, "test_engine_restart": 1, "test_backup": 2}
    items.sort(key=lambda item: order.get(Path(item.path).stem, 0))


@pytest.fixture(scope="session", autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One run on a machine at a time, without the stacks of a run that was killed."""
    runs = tmp_path_factory.getbasetemp().parent
    try:
        with FileLock(runs / "stack.lock", timeout=0):
            # with --basetemp it is a folder of other things too
            if runs.name.startswith("pytest-of-"):
                take_down_left_behind(runs)
            yield
    except Timeout:
        pytest.exit("the stack's tests run already; wait for their end", returncode=2)


def take_down_left_behind(runs: Path) -> None:
    """An engine that starts again starts them too, with the ports and the names of new ones."""
    here = Stack(runs, {})
    for project in json.loads(here.compose("ls", "--all", "--format", "json").stdout):
        if Path(project["ConfigFiles"].split(",")[0]).is_relative_to(runs):
            name = project["Name"]
            here.compose("--project-name", name, "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack."""
    kept = os.environ.get("ROOKERY_STACK_KEEP")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("a stack of its own")
    ports = {name: int(os.environ.get(name, port)) for name, port in PORTS.items()}
    stack = Stack(folder, ports)
    copy_checkout(folder)
    for shared in ("notebooks", "tasks", "configs", "backups"):
        # of whoever calls the tests; the containers' user is 1000 where no .env says otherwise
        give_to(folder / shared, 1000)
    if not (kept and stack.containers()):
        refuse_taken(ports)
    try:
        # those of profiles too: `up` builds none of them, and `run` takes what it finds
        stack.compose(*PROFILES, "build")
        stack.compose("up", "--detach")
        yield stack
    finally:
        if not kept:
            stack.compose(*PROFILES, "down", "--volumes", "--remove-orphans")


def give_to(folder: Path, uid: int) -> None:
    """Root gives the folder away; anybody else opens it to all."""
    for place in (folder, *folder.rglob("*")):
        if os.getuid() == 0:
            os.chown(place, uid, uid)
        else:
            place.chmod(place.stat().st_mode | 0o666 | (0o111 if place.is_dir() else 0))


def refuse_taken(ports: dict[str, int]) -> None:
    for name, port in ports.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.exit(f"port {port} is taken; stop what uses it, or set {name}", returncode=2)


@pytest.fixture(scope="session")
def promoted(stack: Stack) -> Stack:
    """The stack with a promoted version that the API serves."""
    stack.wait_healthy()
    if stack.production() is None:
        stack.rookery("run")
    return stack


@pytest.fixture(scope="session")
def s3_endpoint(stack: Stack) -> str:
    return stack.address("MINIO_PORT")


@pytest.fixture(scope="session")
def mlflow_s3(stack: Stack) -> Any:
    return stack.s3("mlflow")


@pytest.fixture(scope="session")
def jobs_s3(stack: Stack) -> Any:
    return stack.s3("jobs")
