"""Azurite, the emulator of Azure Blob, as a process: from npm, kept between runs.

Tests that need it are skipped, with the reason, where Node.js or its packages cannot be had.
"""

import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from filelock import FileLock

SERVICE = Path(__file__).parents[1] / "services" / "azurite"
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "azurite"
PATIENCE_SECONDS = 60.0
CONTAINER = "wasbs://models@devstoreaccount1.blob.core.windows.net/artifacts"


def connection(address: str) -> str:
    """The connection string of an emulator at another address than its own."""
    return f"UseDevelopmentStorage=true;DevelopmentStorageProxyUri={address}"


def installed() -> Path:
    """The program, at the version and hashes of services/azurite; installed where it is not."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Azurite needs Node.js and npm, which are not installed")
    lock = (SERVICE / "package-lock.json").read_bytes()
    place = CACHE / hashlib.sha256(lock).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock"):
        if not (place / "whole").exists():
            _install(place)
    return place / "node_modules" / ".bin" / "azurite-blob"


def _install(place: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SERVICE / name, place / name)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"Azurite cannot be had from npm: {done.stderr.strip()[-300:]}")
    (place / "whole").touch()


@contextmanager
def azurite(folder: Path, port: int = 0) -> Iterator[str]:
    """The address of an emulator that keeps its blobs in the folder; ends with the block."""
    program = installed()
    with socket.create_server(("127.0.0.1", port)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *(str(program), "--location", str(folder), "--blobHost", "127.0.0.1"),
            *("--blobPort", str(port), "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
        ]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def _await(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "Azurite has ended"
        with suppress(requests.ConnectionError):
            requests.get(f"{address}/devstoreaccount1/x?restype=container", timeout=5)
            return
        time.sleep(0.05)
    raise AssertionError("Azurite does not answer")
