"""A table that nobody has described, to a served model: time of each step, and how good it is.

`rookery new`, `rookery run` and `rookery serve` for a user's CSV file, without a line of code. How
good the promoted version is stands beside what FLAML and AutoGluon make of the same training rows,
given as many seconds from the start of their process as ours took from the file to the promotion,
on the same cores, judged on the same hold-out rows. Each has an environment of its own, made once
(below ROOKERY_BENCH_CACHE).

Adult is fetched, or taken from the folder ROOKERY_TEST_DATA, as are the houses of King County.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path

from environments import CannotRun, add_cache, environment_of, pinned
from measuring import describe_machine, scratch, table, without_settings
from new_table.ours import Ours, Side, bring
from new_table.quality import answers, compared, value
from new_table.tables import TABLES, Table

HERE = Path(__file__).resolve().parent / "new_table"
REQUIREMENTS = HERE / "requirements"
OTHERS = ("flaml", "autogluon")
PATIENCE_SECONDS = 600  # beyond the budget, after which another program is given up


def main() -> None:
    given = arguments()
    describe_machine()
    print("\n".join(f"{name}: {pins}" for name, pins in pinned(REQUIREMENTS).items()), flush=True)
    cores = chosen_cores(given.cores)
    print(f"cores {cores}, by taskset where there is one, and by the settings of each side")
    with scratch() as folder:
        for one in TABLES:
            if one.name not in given.tables:
                continue
            place = folder / one.name
            place.mkdir()
            try:
                bench(one, Side(place, cores), given)
            except CannotRun as error:
                print(f"\n{one.name} left out: {error}")


def arguments() -> argparse.Namespace:
    names = [one.name for one in TABLES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    parser.add_argument("--others", nargs="*", choices=OTHERS, default=list(OTHERS))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument(
        "--time-budget",
        type=float,
        metavar="SECONDS",
        help="of our sweep; else all is fitted",
    )
    add_cache(parser)
    return parser.parse_args()


def chosen_cores(count: int) -> list[int]:
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (usable or list(range(os.cpu_count() or 1)))[:count]


def bench(one: Table, side: Side, given: argparse.Namespace) -> None:
    csv = side.folder / "table.csv"
    one.write(csv, given.cache)
    print(f"\n## {one.name}: {csv.stat().st_size / 2**20:.1f} MB\n", flush=True)
    ours = bring(one, csv, side, given.time_budget)
    show_steps(one, ours)
    seconds = {"rookery": ours.trained}
    for other in given.others if one.others else ():
        try:
            seconds[other] = fitted(other, side, ours.trained, given.cache)
        except CannotRun as error:
            print(f"\n{other} left out: {error}", flush=True)
    show_quality(one, side.folder, seconds)


def show_steps(one: Table, ours: Ours) -> None:
    inner = ours.report["steps"]
    total = ours.trained + ours.steps["serve"]
    parts = {"rookery new": ours.steps["new"], "rookery run": ours.steps["run"]}
    parts |= {"- start, imports": ours.steps["run"] - sum(inner.values())}
    parts |= {f"- {name}": taken for name, taken in inner.items()}
    parts |= {"rookery serve, to the first right answer": ours.steps["serve"], "all": total}
    rows = [[name, taken, f"{taken / total:.0%}"] for name, taken in parts.items()]
    table(f"{one.name}: from the file to the first answer", ["step", "s", "share"], rows)
    metric = json.loads((ours.folder / "told.json").read_text(encoding="utf-8"))["metric"]
    board = [[name, f"{reached:.5g}"] for name, reached in ours.report["board"]]
    table(f"{one.name}: candidates", ["candidate", f"cv_{metric}"], board)
    print("\n" + "\n".join(f"skipped: {line}" for line in ours.report["skipped"]), flush=True)


def fitted(other: str, side: Side, budget: float, cache: Path) -> float:
    """Seconds from the start of its process to a model that is fitted.

    Raises:
        CannotRun: it cannot be installed, failed, or did not end.
    """
    python = environment_of(REQUIREMENTS / f"{other}.txt", cache) / "python"
    script = str(HERE / f"{other}_side.py")
    asked = [str(side.folder), f"{budget:.1f}", str(len(side.cores))]
    command = side.on_cores([str(python), script, *asked])
    threads = {"OMP_NUM_THREADS": str(len(side.cores))}
    try:
        done = subprocess.run(
            command,
            cwd=side.folder,
            env=without_settings() | threads,
            capture_output=True,
            text=True,
            check=False,
            timeout=budget + PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"no model {PATIENCE_SECONDS} s after its budget") from error
    if done.returncode:
        raise CannotRun(f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    (side.folder / f"{other}_side.csv").rename(side.folder / f"{other}.csv")
    print("\n".join(line for line in done.stderr.splitlines() if line.startswith("best:")))
    return float(json.loads(done.stdout.strip().splitlines()[-1])["all"])


def show_quality(one: Table, folder: Path, seconds: dict[str, float]) -> None:
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    said = {side: answers(folder, side, told) for side in seconds}
    rows = [
        [side, seconds[side], *(f"{value(metric, said[side]):.5g}" for metric in one.metrics)]
        for side in said
    ]
    count = len(said["rookery"])
    table(
        f"{one.name}: {count:,} hold-out rows, for each side as many seconds as ours took",
        ["side", "s to a model", *one.metrics],
        rows,
    )
    differences = []
    for other in [side for side in said if side != "rookery"]:
        for metric in one.metrics:
            found = compared(metric, said["rookery"], said[other])
            interval = f"{found.ours - found.theirs:+.3g} [{found.low:+.3g}, {found.high:+.3g}]"
            ratio = f"{found.ours / found.theirs:.4f}"
            differences.append([f"{metric}, against {other}", interval, ratio, found.said])
    if differences:
        header = ["metric", "ours less theirs [95 %]", "ours / theirs", "so"]
        table(f"{one.name}: differences", header, differences)


if __name__ == "__main__":
    main()
