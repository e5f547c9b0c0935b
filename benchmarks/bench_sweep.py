"""Our sweep against the loop that everybody writes, and against the bare fits.

Rounds alternate between the sides, each run is a new process. The loop logs to `mlflow server`
with default settings; neither its start nor the making of our own metadata file is counted.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from default_server import default_server
from measuring import (
    ROOT,
    Measured,
    describe_machine,
    environment,
    fresh,
    median,
    scratch,
    table,
    verdict,
)

OURS, OURS_ALL, LOOP, FLOOR = (
    "our sweep, the best registered",
    "our sweep, every candidate registered",
    "the usual loop, every candidate registered",
    "the bare fits and folds, nothing logged",
)
seconds, process_seconds = attrgetter("seconds"), attrgetter("process_seconds")
PRESENT = ("family", "commit", "dataset", "signature", "example", "requirements")
Results = dict[str, list[Measured]]
Figure = Callable[[Measured], float]


@dataclass(frozen=True)
class Bench:
    """Where both sides read and write."""

    folder: Path
    environ: dict[str, str]
    jobs: int
    families: list[str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def own_uri(self) -> str:
        return f"sqlite:///{self.home / 'mlflow.db'}"

    def run(self, script: str, *arguments: object) -> Measured:
        return fresh(script, *arguments, environ=self.environ, folder=self.folder)

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


def main() -> None:
    given = arguments()
    describe_machine()
    with scratch() as folder:
        chosen = {"ROOKERY_TASKS": str(tasks_of(folder, given.families))}
        environ = environment(folder / "home", **chosen)
        bench = Bench(folder, environ, given.jobs, given.families)
        made = bench.run("one_job.py", "prepare").seconds
        print(f"making our metadata file, once, not counted: {made:.1f} s")
        with default_server(folder / "server", environ) as uri:
            compare_sweeps(bench, uri, given.rounds)
            compare_folds(bench, uri, given)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--families", nargs="*", default=[], help="only these, for a quick look")
    parser.add_argument(
        "--no-loop-folds", action="store_true", help="leave out the slowest: the loop with folds"
    )
    return parser.parse_args()


def tasks_of(folder: Path, families: list[str]) -> Path:
    """Our tasks, or a copy of the penguins with some families only."""
    if not families:
        return ROOT / "tasks"
    from ruamel.yaml import YAML

    yaml = YAML()
    task = yaml.load(ROOT / "tasks" / "penguins.yaml")
    task["candidates"] = {name: task["candidates"][name] for name in families}
    (folder / "tasks").mkdir()
    yaml.dump(task, folder / "tasks" / "penguins.yaml")
    return folder / "tasks"


def compare_sweeps(bench: Bench, uri: str, rounds: int) -> None:
    results: Results = {OURS: [], LOOP: [], OURS_ALL: []}
    for number in range(rounds):
        results[OURS].append(bench.ours())
        results[LOOP].append(bench.loop(uri, f"loop-{number}"))
        results[OURS_ALL].append(bench.ours("--register-all"))
    count = results[LOOP][0].report["candidates"]
    show(f"Sweep of {count} candidates without cross-validation", results, reference=LOOP)
    ratio = times(results, LOOP, OURS, seconds)
    whole = times(results, LOOP, OURS, process_seconds)
    print(f"\nThe same things logged: {verdict(ratio, 8, at_least=True)} times faster;")
    print(f"with the start of Python and the imports {whole:.1f} times;")
    alike = times(results, LOOP, OURS_ALL, seconds)
    print(f"with every candidate registered on our side too {alike:.1f} times.")
    check_same(bench.logged(bench.own_uri, "penguins"), bench.logged(uri, f"loop-{rounds - 1}"))


def compare_folds(bench: Bench, uri: str, given: argparse.Namespace) -> None:
    results: Results = {OURS: [], FLOOR: []}
    for _ in range(given.rounds):
        results[OURS].append(bench.ours("--cross-validate"))
        results[FLOOR].append(
            bench.run("one_job.py", "fits", "--cross-validate", "--jobs", bench.jobs)
        )
    if not given.no_loop_folds:
        results[LOOP] = [bench.loop(uri, "loop-folds", folds=5)]
    count = results[FLOOR][0].report["candidates"]
    show(f"Sweep of {count} candidates, 5 folds each", results, reference=FLOOR)
    floor = times(results, OURS, FLOOR, seconds)
    print(f"\nOurs takes {verdict(floor, 4, at_least=False)} times what the bare fits take.")
    if LOOP in results:
        ratio = times(results, LOOP, OURS, seconds)
        print(f"The loop with cross-validation takes {ratio:.1f} times what ours takes.")
        check_same(bench.logged(bench.own_uri, "penguins"), bench.logged(uri, "loop-folds"))


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


def check_same(ours: dict[str, Any], loop: dict[str, Any]) -> None:
    """Reads both sides back: the comparison means nothing unless they logged the same.

    Raises:
        SystemExit: naming what differs.
    """
    mine, theirs = ours["runs"], loop["runs"]
    wrong = [f"runs: {sorted(set(mine) ^ set(theirs))}"] if set(mine) != set(theirs) else []
    for name in sorted(set(mine) & set(theirs)):
        wrong += [f"{name}: {what}" for what in differences(mine[name], theirs[name])]
    wrong += [f"the loop registered {loop['registered']}"] * (loop["registered"] != len(theirs))
    wrong += ["ours registered none"] * (ours["registered"] == 0)
    if wrong:
        raise SystemExit("not the same things logged:\n" + "\n".join(wrong))
    print(
        f"Read back: {len(mine)} runs a side, equal parameters and metrics, each with "
        f"data set, commit, family and a model with signature, example and requirements; versions "
        f"of these runs: ours {ours['registered']}, loop {loop['registered']}."
    )


def differences(ours: dict[str, Any], loop: dict[str, Any]) -> list[str]:
    wrong = [f"{what} is missing" for what in PRESENT if not (ours[what] and loop[what])]
    if ours["params"] != loop["params"]:
        wrong.append(f"parameters {ours['params']} and {loop['params']}")
    for kind in ("holdout", "folds"):
        if set(ours[kind]) != set(loop[kind]):
            wrong.append(f"metrics {sorted(ours[kind])} and {sorted(loop[kind])}")
        for name in set(ours[kind]) & set(loop[kind]):
            if not math.isclose(ours[kind][name], loop[kind][name], abs_tol=1e-9):
                wrong.append(f"{name} {ours[kind][name]} and {loop[kind][name]}")
    return wrong


if __name__ == "__main__":
    main()
