"""Requests a second of several servers, in turn, round after round."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import requests
from environments import CannotRun
from measuring import median, table
from serving.answers_checked import Question, require_right
from serving.competitors import ECHO, MLFLOW, Bench, Competitor, answering
from serving.load import Load, post, write_bodies
from serving.servers import Running

SAMPLE = 48  # rows asked one by one before and after the load
WARM_SECONDS = 1
STOLEN = 0.02  # above it the host of a virtual machine is measured, not the server
ATTEMPTS = 4


@dataclass(frozen=True)
class Kind:
    """What is asked: so many rows in a request, over so many connections."""

    key: str
    title: str
    connections: int
    rows: int = 1


@dataclass
class Rates:
    """What was counted by kind and server, and why a server has nothing."""

    loads: dict[tuple[str, str], list[Load]] = field(default_factory=lambda: defaultdict(list))
    reasons: dict[str, str] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)  # rows, those not timed among them

    def rate(self, kind: Kind, server: Competitor) -> float | None:
        """Median requests a second."""
        loads = self.loads.get((kind.key, server.name))
        left_out = server.name in self.reasons
        return None if left_out or not loads else median(load.rate for load in loads)

    def ratio(self, kind: Kind, server: Competitor, base: Competitor) -> float | None:
        above, below = self.rate(kind, server), self.rate(kind, base)
        return above / below if above and below else None


def measure(bench: Bench, model: str, asked: Sequence[Competitor], kinds: Sequence[Kind]) -> Rates:
    """All servers run all the time; each is asked alone, in turn, in every round."""
    rates = Rates()
    with ExitStack() as stack:
        contest = _Contest(bench, model, kinds, rates)
        for competitor in asked:
            contest.start(competitor, stack)
        contest.check()
        contest.round(WARM_SECONDS, keep=False)
        for number in range(bench.rounds):
            print(f"{model}: round {number + 1} of {bench.rounds}", flush=True)
            contest.round(bench.seconds)
        contest.check()
        contest.tell_paths()
    return rates


@dataclass
class _Contest:
    """The servers of one model that have answered rightly so far."""

    bench: Bench
    model: str
    kinds: Sequence[Kind]
    rates: Rates
    servers: dict[Competitor, Running] = field(default_factory=dict)

    def start(self, competitor: Competitor, stack: ExitStack) -> None:
        try:
            server = stack.enter_context(answering(self.bench, competitor, self.model))
        except CannotRun as error:
            self.leave_out(competitor, error)
            return
        self.servers[competitor] = server
        self.rates.answered[competitor.name] += 1

    def leave_out(self, competitor: Competitor, error: CannotRun) -> None:
        print(f"{competitor.name} is left out: {error}", flush=True)
        self.rates.reasons[competitor.name] = str(error)
        self.servers.pop(competitor, None)

    def check(self) -> None:
        for competitor, server in list(self.servers.items()):
            try:
                for rows in {kind.rows for kind in self.kinds}:
                    questions = self.questions(rows)[:SAMPLE]
                    require_right(server.url, competitor.form, questions)
                    self.rates.answered[competitor.name] += rows * len(questions)
            except CannotRun as error:
                self.leave_out(competitor, error)

    def round(self, seconds: int, *, keep: bool = True) -> None:
        for kind in self.kinds:
            for competitor in list(self.servers):
                try:
                    load = self.calmest(competitor, kind, seconds, ATTEMPTS if keep else 1)
                except CannotRun as error:
                    self.leave_out(competitor, error)
                    continue
                if keep:
                    self.rates.loads[kind.key, competitor.name].append(load)

    def questions(self, rows: int) -> list[Question]:
        trained = self.bench.trained
        return [trained.batch(self.model, rows)] if rows > 1 else trained.singles(self.model)

    def calmest(self, competitor: Competitor, kind: Kind, seconds: int, attempts: int) -> Load:
        """Every server is asked again where the host took the cores away meanwhile."""
        loads: list[Load] = []
        while len(loads) < attempts and all(load.stolen > STOLEN for load in loads):
            loads.append(self.load(competitor, kind, seconds))
        return min(loads, key=lambda load: load.stolen)

    def load(self, competitor: Competitor, kind: Kind, seconds: int) -> Load:
        batches = [asked.rows for asked in self.questions(kind.rows)]
        bodies = write_bodies(self.bench.scratch, competitor.form, batches)
        server = self.servers[competitor]
        url = server.url + competitor.form.path
        load = post(url, bodies, kind.connections, seconds, self.bench.cores)
        self.rates.answered[competitor.name] += load.requests * kind.rows
        server.rest()
        return load

    def tell_paths(self) -> None:
        """Prints how ours computed its answers."""
        for competitor, server in self.servers.items():
            if competitor.requirements is None:
                path = requests.get(f"{server.url}/model", timeout=60).json()["path"]
                print(f"{competitor.name} served {self.model} by its path {path!r}", flush=True)


def show(rates: Rates, asked: Sequence[Competitor], kind: Kind) -> None:
    """Prints one table: medians over the rounds, and ratios of medians."""
    unit = "requests/s" if kind.rows == 1 else "rows/s"
    header = ["server", unit, "lowest-highest", "times mlflow", "of the echo"]
    rows = [_row(rates, competitor, kind) for competitor in asked]
    table(kind.title, [*header, "p50 ms", "p99 ms", "failed", "stolen"], rows)
    for name, reason in rates.reasons.items():
        print(f"\n{name} is left out: {reason}")


def _row(rates: Rates, server: Competitor, kind: Kind) -> list[str]:
    loads, rate = rates.loads.get((kind.key, server.name), []), rates.rate(kind, server)
    if rate is None:
        return [server.name, "left out", *[""] * 7]
    counted = [load.rate * kind.rows for load in loads]
    return [
        server.name,
        f"{rate * kind.rows:,.0f}",
        f"{min(counted):,.0f}-{max(counted):,.0f}",
        _shown(rates.ratio(kind, server, MLFLOW), ".1f"),
        _shown(rates.ratio(kind, server, ECHO), ".2f"),
        f"{median(load.p50 for load in loads) * 1000:.2f}",
        f"{median(load.p99 for load in loads) * 1000:.2f}",
        f"{sum(load.failed for load in loads):,}",
        f"{max(load.stolen for load in loads):.1%}",
    ]


def _shown(ratio: float | None, how: str) -> str:
    return "" if ratio is None else format(ratio, how)
