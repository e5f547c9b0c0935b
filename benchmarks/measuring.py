"""What the benchmarks share: a job in a fresh process, medians, a table, the machine.

It imports nothing large: a process starts with the memory peak of the one that started it.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOOK_SECONDS = 0.2  # between two looks at the memory
QUIET_CPU = 0.2  # CPU seconds that a server at rest may use in a second
LIBRARIES = ("mlflow", "scikit-learn", "skops", "pandas", "SQLAlchemy", "pyarrow")
# variables of the one who measures that must not reach what is measured
FOREIGN = (
    "ROOKERY_",
    "MLFLOW_",
    "MODEL_",
    "API_",
    "PORT",
    "EXPERIMENT_",
    "DATABASE_URL",
    "SOURCE_DATABASE_URL",
    "VIRTUAL_ENV",
    # without compiled modules every new process would compile MLflow for itself
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True)
class Measured:
    """One job in a fresh process: the job alone, as it says itself, and the whole process."""

    seconds: float
    cpu_seconds: float  # of the job, in its own process
    process_seconds: float
    process_cpu_seconds: float  # with the processes it started and waited for
    peak_mb: float
    report: dict[str, Any]


@dataclass(frozen=True)
class Timed:
    """What a call took and gave."""

    seconds: float
    cpu_seconds: float
    result: Any


def timed(call: Callable[[], Any]) -> Timed:
    started, cpu = time.perf_counter(), time.process_time()
    result = call()
    return Timed(time.perf_counter() - started, time.process_time() - cpu, result)


def on_the_clock(
    taken: dict[str, float], step: str, call: Callable[..., Any]
) -> Callable[..., Any]:
    """The same call, whose seconds are written down under the name of its step."""

    def run(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            taken[step] = time.perf_counter() - started

    return run


def comes_to_rest(cpu_seconds: Callable[[], float]) -> bool:
    """Whether what has used so many CPU seconds uses next to none for one second."""
    before = cpu_seconds()
    time.sleep(1)
    return cpu_seconds() - before < QUIET_CPU


def without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def environment(home: Path, **given: str) -> dict[str, str]:
    """This environment with a project folder of its own and our tasks."""
    ours = {"ROOKERY_HOME": str(home), "ROOKERY_TASKS": str(ROOT / "tasks")}
    return without_settings() | ours | {"MLFLOW_DISABLE_TELEMETRY": "true"} | given


def fresh(script: str, *arguments: object, environ: Mapping[str, str], folder: Path) -> Measured:
    """Runs a script of this folder; its last line on standard output is its report as JSON.

    Raises:
        SystemExit: it failed; with the end of its standard error.
    """
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    cpu, started = _children_cpu(), time.perf_counter()
    done = subprocess.run(
        command, env=dict(environ), cwd=folder, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return measured(done.stdout, taken, _children_cpu() - cpu)


def measured(said: str, taken: float, spent: float) -> Measured:
    """From what `tell` printed, and the wall and CPU seconds of the whole process."""
    report = json.loads(said.strip().splitlines()[-1])
    return Measured(
        report["seconds"], report["cpu_seconds"], taken, spent, report["peak_mb"], report
    )


def tell(done: Timed, **more: object) -> None:
    """The report of a measured script, for `measured` to read."""
    taken = {"seconds": done.seconds, "cpu_seconds": done.cpu_seconds, "peak_mb": peak_mb()}
    print(json.dumps(taken | more))


def peak_mb() -> float:
    """The largest resident memory that this process has had; macOS counts in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


@contextmanager
def watched_memory(pid: int | None = None) -> Iterator[list[float]]:
    """MB at each look that a process and all below it have together, while the block runs.

    Without a process it is all that this one starts, and not itself.
    """
    seen, ended = list[float](), threading.Event()

    def watch() -> None:
        while True:
            seen.append(sum(map(own_mb, family(pid) if pid else family(os.getpid())[1:])))
            if ended.wait(LOOK_SECONDS):
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started, as far as they live."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def own_mb(process: psutil.Process) -> float:
    """What is its own, and its share of what it has in common with others."""
    try:
        found = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return float(getattr(found, "pss", found.uss)) / 2**20


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def verdict(value: float, goal: float, *, at_least: bool) -> str:
    """`9.3 (goal ≥ 8: met)`."""
    met = value >= goal if at_least else value <= goal
    return f"{value:.3g} (goal {'≥' if at_least else '≤'} {goal:g}: {'met' if met else 'not met'})"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a Markdown table, so that it can be kept as it is."""
    texts = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    lines = [header, ["-" * width for width in widths], *texts]
    print(f"\n### {title}\n")
    for cells in lines:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(f"| {' | '.join(padded)} |")


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.2f}" if cell < 100 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def describe_machine() -> None:
    """Prints versions, cores and how busy the machine was before."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    busy = f", load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"Python {platform.python_version()}, {versions}")
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{busy}")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for everything that a benchmark writes; `kill` empties it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
        yield Path(folder)


def parser_with_repository(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repository", type=Path, default=ROOT, help="what is cloned, at HEAD")
    return parser


def clone_of(repository: Path, clone: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)


def free_ports(count: int) -> list[int]:
    """All held together, so that no two are the same."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
