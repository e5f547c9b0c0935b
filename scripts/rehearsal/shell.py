"""Commands as a runner gives them to a shell, and the end of what they leave behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from rehearsal.expressions import NotRehearsed

MARK = "RUNNER_TRACKING_ID"  # what every process of a job inherits
SHELLS = {
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
}


def shell(name: str | None) -> list[str]:
    """The command that runs a file of a step.

    Raises:
        NotRehearsed: it is another shell than those.
    """
    if name not in SHELLS:
        raise NotRehearsed(f"the shell {name!r} is not imitated")
    return SHELLS[name]


def listen(
    command: list[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    say: Callable[[str], None],
) -> tuple[int, str]:
    """Exit code and output of a command, which is said as it comes; it is killed in the end."""
    began, lines = time.monotonic(), []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        timer = threading.Timer(seconds, _kill, [process])
        timer.start()
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                say(lines[-1])
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
    code, took = process.returncode, time.monotonic() - began
    late = " because its time was over" if took >= seconds else ""
    say(f"[{f'ended with {code}{late}' if code else 'done'}, {took:.0f} s]")
    return code, "\n".join(lines)


def _kill(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def end_marked(mark: str) -> None:
    """Kills what the steps of a job left running."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                process.kill()
