"""Our sweep against the loop that everybody writes, and against the bare fits.

Rounds alternate between the sides, each run is a new process. The loop logs to `mlflow server`
with default settings; neither its start nor the making of our own metadata file is counted.
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from default_server import default_server
from measuring import (
    ROOT,
    Measured,
    describe_machine,
    environment,
    fresh,
    scratch,
    verdict,
)
from sweeps import LOOP, OURS, Results, Sides, check_same, compare_sweeps, seconds, show, times

FLOOR = "the bare fits and folds, nothing logged"


@dataclass(frozen=True)
class Bench(Sides):
    """Both sides on this machine, ours into a metadata file of its own."""

    folder: Path
    environ: dict[str, str]

    def run(self, script: str, *arguments: object) -> Measured:
        return fresh(script, *arguments, environ=self.environ, folder=self.folder)


def main() -> None:
    given = arguments()
    describe_machine()
    with scratch() as folder:
        chosen = {"ROOKERY_TASKS": str(tasks_of(folder, given.families))}
        home = folder / "home"
        own_uri, environ = f"sqlite:///{home / 'mlflow.db'}", environment(home, **chosen)
        bench = Bench(home, own_uri, given.jobs, given.families, folder, environ)
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
    """A copy of our tasks, beside which a sweep writes; of the penguins with these families."""
    from ruamel.yaml import YAML

    copy = folder / "tasks"
    shutil.copytree(ROOT / "tasks", copy)
    if families:
        yaml = YAML()
        task = yaml.load(copy / "penguins.yaml")
        task["candidates"] = {name: task["candidates"][name] for name in families}
        yaml.dump(task, copy / "penguins.yaml")
    return copy


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
        check_same(bench, uri, "loop-folds")


if __name__ == "__main__":
    main()
