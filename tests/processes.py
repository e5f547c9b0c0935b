"""Scripts of the project as real processes, and what they leave behind."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from os import environ
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]


@contextmanager
def script(
    name: str, *arguments: str, folder: Path = ROOT, **environment: str
) -> Iterator[subprocess.Popen]:
    """`scripts/<name>` while it runs; whatever is left of it at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / name), *arguments],
        cwd=folder,
        env={**environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _kill(process.pid)


def _kill(pid: int) -> None:
    root = psutil.Process(pid)
    for member in [*root.children(recursive=True), root]:
        with suppress(psutil.NoSuchProcess):
            member.kill()


def read_until(process: subprocess.Popen, wanted: str) -> str:
    """Its standard output up to the line that holds `wanted`, or all of it."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if wanted in line:
            break
    return "".join(seen)


def living(marks: Mapping[str, str]) -> list[str]:
    """Command lines of the processes whose environment has all of `marks`, but for this one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            given = process.environ()
            if process.pid != psutil.Process().pid and marks.items() <= given.items():
                found.append(" ".join(process.cmdline()))
    return found


def left_after_a_while(marks: Mapping[str, str], seconds: float = 60) -> list[str]:
    """What is still `living` then; returns as soon as nothing is."""
    deadline = time.monotonic() + seconds
    while (found := living(marks)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
