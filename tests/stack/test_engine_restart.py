"""A restart of the Docker engine, as a restart of the machine is one.

As root only, and only where nothing else runs in it: by systemd where that runs the engine, else by
ending `dockerd` and starting it again with the same command line. Where `ROOKERY_ALL_TESTS` is set,
what would be skipped elsewhere fails.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NoReturn

import psutil
import pytest
from tests.stack.stack import SERVERS, wait_until

PID_FILE = Path("/var/run/docker.pid")
SYSTEMD = Path("/run/systemd/system")
ENGINE_SECONDS = 120


@pytest.fixture
def alone(promoted):
    """The stack, where a restart of the engine is ours to make and harms nobody."""
    if os.getuid() != 0:
        leave_out("only root restarts the engine")
    running = set(promoted.run("docker", "ps", "--quiet", "--no-trunc").stdout.split())
    if running - {one["Id"] for one in promoted.containers().values()}:
        leave_out("containers that are not of this stack run in the engine")
    return promoted


def leave_out(reason: str) -> NoReturn:
    if os.environ.get("ROOKERY_ALL_TESTS"):
        pytest.fail(f"{reason}, and ROOKERY_ALL_TESTS asks for every test")
    pytest.skip(reason)


def restart_engine() -> None:
    if SYSTEMD.is_dir() and shutil.which("systemctl"):
        subprocess.run(("systemctl", "restart", "docker"), check=True, timeout=300)
    else:
        start_again(psutil.Process(int(PID_FILE.read_text())))
    wait_until(answers, "the engine answers", ENGINE_SECONDS)


def start_again(engine: psutil.Process) -> None:
    """The same program, arguments, environment and log, in a session of its own."""
    command, environment, program = engine.cmdline(), engine.environ(), engine.exe()
    assert Path(program).name == "dockerd", program
    with Path(f"/proc/{engine.pid}/fd/1").open("ab") as log:
        engine.send_signal(signal.SIGTERM)
        wait_until(lambda: has_ended(engine), "the engine has ended", ENGINE_SECONDS)
        subprocess.Popen(
            command,
            executable=program,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def has_ended(engine: psutil.Process) -> bool:
    """A zombie has ended too: whoever started the engine may never ask how it went."""
    try:
        return bool(engine.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def answers() -> bool:
    asked = subprocess.run(("docker", "info"), capture_output=True, timeout=60, check=False)
    return asked.returncode == 0


def test_after_a_restart_of_the_engine_all_services_serve_what_they_served(alone):
    served, tables = alone.production(), counts(alone)
    started = starts(alone)
    restart_engine()
    alone.wait_healthy(seconds=180)
    assert {name for name, at in starts(alone).items() if at != started[name]} >= set(SERVERS)
    wait_until(lambda: alone.api("GET", "/ready").status_code == 200, "the API is ready")
    assert alone.predict()["version"] == served
    assert alone.production() == served
    assert counts(alone) == tables
    assert alone.rookery("status").returncode == 0


def starts(stack):
    return {name: one["State"]["StartedAt"] for name, one in stack.containers().items()}


def counts(stack):
    return [stack.mysql(f"SELECT count(*) FROM penguins_{kind}") for kind in ("raw", "clean")]
