"""Our sweep beside the usual loop: rounds in turn, medians, and whether both logged the same."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import PurePath
from typing import Any, ClassVar

from measuring import Measured, median, table, verdict

OURS, OURS_ALL, LOOP = (
    "our sweep, the best registered",
    "our sweep, every candidate registered",
    "the usual loop, every candidate registered",
)
seconds, process_seconds = attrgetter("seconds"), attrgetter("process_seconds")
PRESENT = ("family", "commit", "dataset", "signature", "example", "requirements")
Results = dict[str, list[Measured]]
Figure = Callable[[Measured], float]


@dataclass(frozen=True)
class Sides(ABC):
    """What runs either side in a new process, and reads back what it logged."""

    home: PurePath  # of our project, with the rows of the split for the loop
    own_uri: str
    jobs: int
    families: list[str]
    # what MLflow's own clients cannot know where the loop runs
    loop_lacks: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def run(self, script: str, *arguments: object) -> Measured:
        """A script of this folder, in a process of its own."""

    def ours(self, *flags: str) -> Measured:
        return self.run("one_job.py", "sweep", "--jobs", self.jobs, *flags)

    def loop(self, uri: str, experiment: str, folds: int = 0) -> Measured:
        rows = ["--train", self.home / "train.parquet", "--holdout", self.home / "holdout.parquet"]
        given = ["--tracking-uri", uri, "--experiment", experiment, "--folds", folds]
        chosen = ["--families", *self.families] if self.families else []
        return self.run("usual_loop.py", *given, *rows, *chosen)

    def logged(self, uri: str, experiment: str) -> dict[str, Any]:
        script = "what_was_logged.py"
        return self.run(script, "--tracking-uri", uri, "--experiment", experiment).report


def compare_sweeps(sides: Sides, uri: str, rounds: int) -> None:
    """The loop logs to the server at `uri`."""
    results: Results = {OURS: [], LOOP: [], OURS_ALL: []}
    for number in range(rounds):
        results[OURS].append(sides.ours())
        results[LOOP].append(sides.loop(uri, f"loop-{number}"))
        results[OURS_ALL].append(sides.ours("--register-all"))
    count = results[LOOP][0].report["candidates"]
    show(f"Sweep of {count} candidates without cross-validation", results, reference=LOOP)
    ratio = times(results, LOOP, OURS, seconds)
    whole = times(results, LOOP, OURS, process_seconds)
    print(f"\nThe same things logged: {verdict(ratio, 8, at_least=True)} times faster;")
    print(f"with the start of Python and the imports {whole:.1f} times;")
    alike = times(results, LOOP, OURS_ALL, seconds)
    print(f"with every candidate registered on our side too {alike:.1f} times.")
    check_same(sides, uri, f"loop-{rounds - 1}")


def times(results: Results, slow: str, fast: str, of: Figure) -> float:
    """How many times longer the median of one side is."""
    return median(map(of, results[slow])) / median(map(of, results[fast]))


def show(title: str, results: Results, reference: str) -> None:
    rows = [
        [
            name,
            len(runs),
            median(one.seconds for one in runs),
            median(one.process_seconds for one in runs),
            median(one.process_cpu_seconds for one in runs),
            f"{times(results, name, reference, seconds):.3f}",
        ]
        for name, runs in results.items()
    ]
    table(
        title,
        ["side", "rounds", "s, imported", "s, whole process", "CPU s without server", "times"],
        rows,
    )


def check_same(sides: Sides, uri: str, experiment: str) -> None:
    """Reads both sides back: the comparison means nothing unless they logged the same.

    Raises:
        SystemExit: naming what differs.
    """
    ours, loop = sides.logged(sides.own_uri, "penguins"), sides.logged(uri, experiment)
    mine, theirs = ours["runs"], loop["runs"]
    wrong = [f"runs: {sorted(set(mine) ^ set(theirs))}"] if set(mine) != set(theirs) else []
    for name in sorted(set(mine) & set(theirs)):
        found = differences(mine[name], theirs[name], sides.loop_lacks)
        wrong += [f"{name}: {what}" for what in found]
    wrong += [f"the loop registered {loop['registered']}"] * (loop["registered"] != len(theirs))
    wrong += ["ours registered none"] * (ours["registered"] == 0)
    if wrong:
        raise SystemExit("not the same things logged:\n" + "\n".join(wrong))
    lacking = "".join(f" (ours only: {what})" for what in sorted(sides.loop_lacks))
    print(
        f"Read back: {len(mine)} runs a side, equal parameters and metrics, each with "
        f"data set, commit, family and a model with signature, example and requirements{lacking}; "
        f"versions of these runs: ours {ours['registered']}, loop {loop['registered']}."
    )


def differences(
    ours: dict[str, Any], loop: dict[str, Any], loop_lacks: frozenset[str] = frozenset()
) -> list[str]:
    wrong = [f"ours lacks {what}" for what in PRESENT if not ours[what]]
    wrong += [
        f"the loop lacks {what}" for what in PRESENT if not (loop[what] or what in loop_lacks)
    ]
    if ours["params"] != loop["params"]:
        wrong.append(f"parameters {ours['params']} and {loop['params']}")
    for kind in ("holdout", "folds"):
        if set(ours[kind]) != set(loop[kind]):
            wrong.append(f"metrics {sorted(ours[kind])} and {sorted(loop[kind])}")
        for name in set(ours[kind]) & set(loop[kind]):
            if not math.isclose(ours[kind][name], loop[kind][name], abs_tol=1e-9):
                wrong.append(f"{name} {ours[kind][name]} and {loop[kind][name]}")
    return wrong
