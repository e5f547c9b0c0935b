"""The API as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from scripts.servers import free_port
from tests.integration.serving.conftest import eventually

from rookery.errors import InputError, Unavailable
from rookery.serving.server import bind, run
from rookery.settings import get_settings

ROOT = Path(__file__).parents[3]
RUN = "from rookery.serving.server import run; from rookery.settings import get_settings; "
COMMANDS = {
    "rookery serve": [sys.executable, "-c", RUN + "run(get_settings())"],
    "uvicorn": [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", "fastapi"],
}


@contextmanager
def started(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"API_PORT": str(port)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).is_success
    except httpx.TransportError:
        return False


def test_both_ways_to_start_it_answer_and_end_in_good_order(home: Path) -> None:
    ports = {name: free_port() for name in COMMANDS}
    uvicorn = [*COMMANDS["uvicorn"], "--port", str(ports["uvicorn"])]
    with (
        started(COMMANDS["rookery serve"], ports["rookery serve"]) as ours,
        started(uvicorn, ports["uvicorn"]) as theirs,
    ):
        for port in ports.values():
            eventually(lambda port=port: answers(f"http://127.0.0.1:{port}/ready"))
        for process in (ours, theirs):
            process.send_signal(signal.SIGTERM)
        assert ours.wait(60) == 0
        assert theirs.wait(60) in (0, -signal.SIGTERM)
        assert ours.stdout is not None
        assert b"Traceback" not in ours.stdout.read()


def test_a_taken_port_is_one_clear_error(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("API_PORT", str(port))
        get_settings.cache_clear()
        with pytest.raises(Unavailable) as found:
            run(get_settings())
    assert str(port) in found.value.message
    assert found.value.field == "API_PORT"
    assert found.value.next == f"API_PORT={port + 1} rookery serve"


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [
        ("127.0.0.1", 70_000, "API_PORT"),
        ("127.0.0.1", -1, "API_PORT"),
        ("no such host", 0, "API_HOST"),
        ("192.0.2.1", 0, "API_HOST"),
    ],
)
def test_an_address_that_is_none_is_wrong_input(host: str, port: int, field: str) -> None:
    with pytest.raises(InputError) as found:
        bind(host, port)
    assert found.value.field == field
