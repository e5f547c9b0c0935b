"""Servers as local processes: start one, wait for its answer, stop it with all that it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from rookery.errors import Unavailable

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A running process that answers at `health`; what it says goes to `log`."""

    name: str
    process: psutil.Popen
    health: str
    log: Path
    expected: int = 200  # what `health` answers once it is up

    def check(self) -> None:
        """Raises Unavailable, with the end of the log, once the process has ended."""
        if (code := self.process.poll()) is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            end = "\n".join(f"  | {line}" for line in lines)
            raise Unavailable(
                f"{self.name} ended with exit code {code}; the last lines of its log:\n{end}",
                next=f"the whole log is {self.log}",
            )

    def wait(self, seconds: float = 90) -> None:
        """Returns once `health` answers as expected.

        Raises:
            Unavailable: the process ended, or there was no such answer in time.
        """
        deadline, last = time.monotonic() + seconds, "no answer"
        while time.monotonic() < deadline:
            self.check()
            try:
                answer = requests.get(self.health, timeout=5)
            except requests.RequestException as error:
                last = type(error).__name__
            else:
                if answer.status_code == self.expected:
                    return
                last = f"{answer.status_code} {answer.text[:200]}"
            time.sleep(0.1)
        raise Unavailable(
            f"{self.name} is not ready after {seconds:.0f} s: {self.health} gives {last}",
            next=f"its log is {self.log}",
        )


def start(
    name: str, command: Sequence[str], health: str, log: Path, environment: Mapping[str, str]
) -> Server:
    """Starts `python -m <command>`, deaf to the terminal's Ctrl-C: `stop` ends it."""
    return start_program(name, [sys.executable, "-m", *command], health, log, environment)


def start_program(
    name: str,
    command: Sequence[str],
    health: str,
    log: Path,
    environment: Mapping[str, str],
    expected: int = 200,
) -> Server:
    """As `start`, for any program."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = psutil.Popen(
            command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(name, process, health, log, expected)


def stop(servers: Sequence[Server], seconds: float = 10) -> None:
    """Ends the servers and whatever they started: asked first, then killed."""
    stop_processes([server.process for server in servers], seconds)


def stop_processes(processes: Sequence[psutil.Process], seconds: float = 10) -> None:
    """As `stop`, for processes that lead a session of their own."""
    family = [member for process in processes for member in _family(process)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(family, timeout=seconds)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    for process in processes:
        if hasattr(os, "killpg"):  # reaches children whose parent died before them
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(left, timeout=seconds)


def _family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return [process]


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def typed(command: str) -> str:
    """A command of this environment as one would type it here."""
    folder = Path(sys.executable).parent
    near = folder.is_relative_to(Path.cwd())
    return str((folder.relative_to(Path.cwd()) if near else folder) / command)
