"""Open-loop requests: while a sweep runs beside the server, and while its model is swapped."""

import json
import math
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from environments import CannotRun
from measuring import ROOT, table
from serving.answers_checked import Question
from serving.competitors import MLFLOW, OURS, Bench, answering
from serving.servers import Running, running
from serving.trained import rookery

RATE = 500
SWAP_SECONDS = 60  # at most, for one swap
DRAIN_SECONDS = 60
FORMS = {OURS.name: "RECORD", MLFLOW.name: "INVOCATIONS"}
HEADER = ["server", "p50 ms", "p99 ms", "failed", "how"]


@dataclass(frozen=True)
class Steady:
    """Latencies in seconds from when each request was due, and what failed."""

    latencies: list[float]
    failed: Counter[str]

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[math.ceil(part * len(ordered)) - 1] * 1000 if ordered else math.nan

    def __add__(self, other: "Steady") -> "Steady":
        return Steady(self.latencies + other.latencies, self.failed + other.failed)

    def row(self, name: str) -> list[str]:
        why = ", ".join(f"{text}: {count}" for text, count in self.failed.items())
        p50, p99 = (f"{self.percentile(part):,.1f}" for part in (0.50, 0.99))
        return [name, p50, p99, f"{self.failed.total():,}", why]


def beside_a_sweep(bench: Bench) -> dict[str, float | None]:
    """Both servers in turn, each beside sweeps of the usual candidates one after the other."""
    bench.trained.promote("linear")
    rows: list[list[str]] = []
    failures: float | None = None
    seconds = 4 * bench.seconds
    for competitor in (OURS, MLFLOW):
        try:
            with answering(bench, competitor, "linear") as server, _sweeping(bench):
                found = _asked(bench, server, bench.trained.singles("linear"), seconds)
        except CannotRun as error:
            rows.append([competitor.name, "left out", "", "", str(error)])
            continue
        rows.append(found.row(competitor.name))
        failures = found.failed.total() if competitor is OURS else failures
    table(f"{RATE} requests/s for {seconds} s while sweeps run on the same cores", HEADER, rows)
    return {"open failures": failures}


def during_swaps(bench: Bench, swaps: int) -> dict[str, float | None]:
    """Twice in turn: half of the swaps, then as long without."""
    bench.trained.promote("linear")
    without, during, taken = Steady([], Counter()), Steady([], Counter()), 0.0
    try:
        with answering(bench, OURS, "linear") as server:
            _asked(bench, server, _agreed(bench), 2)  # a new process is not like later
            for _ in range(2):
                found, seconds = _while_swapping(bench, server, swaps // 2)
                during, taken = during + found, taken + seconds
                without += _asked(bench, server, _agreed(bench), math.ceil(seconds))
    except CannotRun as error:
        print(f"\nThe swaps could not be measured: {error}")
        return {}
    title = f"{RATE} requests/s during {swaps} swaps in {taken:.0f} s, and as long without"
    table(title, HEADER, [without.row("without"), during.row("during swaps")])
    if without.failed or during.failed:
        return {}  # the latencies of what did not fail say little
    return {"swaps p99": during.percentile(0.99) / without.percentile(0.99)}


def _agreed(bench: Bench) -> list[Question]:
    """Rows of which both versions say the same."""
    both = (bench.trained.singles(name) for name in ("linear", "linear_again"))
    return [first for first, second in zip(*both, strict=True) if first == second]


@contextmanager
def _sweeping(bench: Bench) -> Iterator[None]:
    """Sweeps in the served home, one after the other, on the cores of the server."""
    command = ["sh", "-c", 'while "$0" sweep penguins; do :; done', rookery()]
    tasks = bench.scratch / "swept" / "tasks"  # a sweep writes its configuration beside them
    shutil.copytree(ROOT / "tasks", tasks, dirs_exist_ok=True)
    environ = bench.trained.environ | {"ROOKERY_TASKS": str(tasks)}
    with running("sweeps", bench.cores.serve(command), environ, bench.scratch) as sweeps:
        yield
        if sweeps.process.poll() is not None:
            raise CannotRun(f"the sweep beside it failed: {sweeps.said(2)}")


def _asked(bench: Bench, server: Running, asked: Sequence[Question], seconds: float) -> Steady:
    with _generator(bench, server, asked, seconds) as generator:
        return _counted(generator, seconds)


def _while_swapping(bench: Bench, server: Running, swaps: int) -> tuple[Steady, float]:
    """What was asked until the last swap was followed, and how long that took."""
    versions = [bench.trained.versions[name] for name in ("linear", "linear_again")]
    command = [sys.executable, "-m", "serving.swaps", f"{server.url}/ready", str(swaps), *versions]
    environ, most = bench.trained.environ, swaps * SWAP_SECONDS
    with _generator(bench, server, _agreed(bench), most) as generator:
        began = time.perf_counter()
        with running("swaps", bench.cores.serve(command), environ, bench.scratch) as swapping:
            swapping.finish(most)
        seconds = time.perf_counter() - began
        generator.process.send_signal(signal.SIGTERM)
        return _counted(generator, 0), seconds


@contextmanager
def _generator(
    bench: Bench, server: Running, asked: Sequence[Question], seconds: float
) -> Iterator[Running]:
    questions = bench.scratch / "questions.json"
    questions.write_text(json.dumps([[one.rows, one.labels] for one in asked]), encoding="utf-8")
    given = [server.url, FORMS[server.name], str(questions), str(RATE), str(seconds)]
    command = bench.cores.ask([sys.executable, "-m", "serving.open_loop", *given])
    with running("open loop", command, bench.trained.environ, bench.scratch) as generator:
        yield generator


def _counted(generator: Running, seconds: float) -> Steady:
    said = json.loads(generator.finish(seconds + DRAIN_SECONDS))
    return Steady(said["latencies"], Counter(said["failed"]))
