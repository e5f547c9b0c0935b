"""`rookery serve` as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import psutil
from scripts.servers import free_port
from tests.integration.serving.conftest import eventually


@dataclass(frozen=True)
class Command:
    process: subprocess.Popen[str]
    client: httpx.Client

    @property
    def url(self) -> str:
        return str(self.client.base_url)

    def workers(self) -> set[int]:
        """Ids of the processes that answer."""
        found = set()
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # a zombie is one of them
                if "spawn_main" in " ".join(child.cmdline()):
                    found.add(child.pid)
        return found


@contextmanager
def command(**environment: str) -> Iterator[Command]:
    """The command while it runs, from when it is ready; ended by SIGTERM if it still runs."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "rookery.cli", "serve"],
        env=os.environ | {"PORT": str(port)} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            eventually(lambda: process.poll() is not None or is_ready(client))
            assert process.poll() is None
            yield Command(process, client)
        finally:
            family = [psutil.Process(process.pid)] if process.poll() is None else []
            family += [child for one in family for child in one.children(recursive=True)]
            process.terminate()
            for left in psutil.wait_procs(family, timeout=30)[1]:
                left.kill()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").is_success
    except httpx.TransportError:
        return False
