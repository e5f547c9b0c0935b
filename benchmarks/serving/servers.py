"""A process: started, waited for, its memory, stopped with all that it started."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from environments import CannotRun
from measuring import comes_to_rest, family, own_mb

HOST = "127.0.0.1"
START_SECONDS = 120
STOP_SECONDS = 10
REST_SECONDS = 20


@dataclass(frozen=True)
class Running:
    """A started process, where it listens, and what it says."""

    name: str
    process: psutil.Popen
    url: str
    log: Path
    began: float

    def wait(self, fault: Callable[[str], str]) -> float:
        """Seconds from the start to the first answer without a fault.

        Raises:
            CannotRun: it ended, or there was none in time; with the end of its log.
        """
        wrong = "not asked"
        while time.perf_counter() - self.began < START_SECONDS:
            if self.process.poll() is not None:
                raise CannotRun(f"ended with {self.process.returncode}: {self.said(2)}")
            if not (wrong := fault(self.url)):
                return time.perf_counter() - self.began
            time.sleep(0.01)
        raise CannotRun(f"no right answer within {START_SECONDS} s: {wrong}")

    def finish(self, seconds: float) -> str:
        """The last line it said before it ended by itself.

        Raises:
            CannotRun: it failed, or did not end in time.
        """
        try:
            code = self.process.wait(seconds)
        except psutil.TimeoutExpired as error:
            raise CannotRun(f"{self.name} did not end within {seconds:.0f} s") from error
        if code:
            raise CannotRun(f"{self.name} ended with {code}: {self.said(2)}")
        return self.said(1)

    def said(self, lines: int) -> str:
        whole = self.log.read_text(encoding="utf-8", errors="replace").strip()
        return "\n".join(whole.splitlines()[-lines:])

    def rest(self) -> None:
        """Returns when it has nothing left to do, such as to write what it keeps in memory."""
        deadline = time.monotonic() + REST_SECONDS
        while not comes_to_rest(lambda: sum(map(_cpu_seconds, family(self.process.pid)))):
            if time.monotonic() > deadline:
                print(f"{self.name} still works {REST_SECONDS} s after its load", flush=True)
                return

    def memory_mb(self) -> float:
        """Of all its processes; what several share is counted once."""
        return sum(map(own_mb, family(self.process.pid)))


@contextmanager
def running(
    name: str, command: Sequence[str], environ: Mapping[str, str], folder: Path, port: int = 0
) -> Iterator[Running]:
    """Runs a command for the time of a with-block; Ctrl-C reaches it through us only."""
    log = folder / f"{name.replace('/', '').replace(' ', '-')}-{port}.log"
    with log.open("wb") as file:
        began = time.perf_counter()
        process = psutil.Popen(
            list(command),
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(name, process, f"http://{HOST}:{port}", log, began)
    finally:
        _stop(process)


def _stop(process: psutil.Popen) -> None:
    """Ends a process and its descendants: asked first, then killed; a second Ctrl-C waits."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    members = [process, *family(process.pid)[1:]]
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _, left = psutil.wait_procs(members, timeout=STOP_SECONDS)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _cpu_seconds(member: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = member.cpu_times()
        return float(used.user + used.system)
    return 0.0
