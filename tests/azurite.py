"""Azurite for tests, which are skipped, with the reason, where it cannot be had."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts.azurite import start_azurite
from scripts.servers import free_port, stop

from rookery.errors import Unavailable

CONTAINER = "wasbs://models@devstoreaccount1.blob.core.windows.net/artifacts"


def connection(address: str) -> str:
    """The connection string of an emulator at another address than its own."""
    return f"UseDevelopmentStorage=true;DevelopmentStorageProxyUri={address}"


@contextmanager
def azurite(folder: Path, port: int = 0) -> Iterator[str]:
    """The address of an emulator that keeps its blobs in the folder; ends with the block."""
    port = port or free_port()
    try:
        server = start_azurite(folder, port)
    except Unavailable as error:
        pytest.skip(error.message)
    try:
        server.wait()
        yield f"http://127.0.0.1:{port}"
    finally:
        stop([server])
