"""Six batches of houses under `kill -9`, twenty times: the end must be that of a run left alone.

Each try is a project of its own, which reads a group of its own from our data service; the service
makes faults besides. Its run is killed at a random moment, begun again and killed again, until it
ends before its moment comes. Ends with 1 where tables, audit, ledger or champion then differ from
those of the run that was left alone.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_batches import data_service
from measuring import ROOT, describe_machine, environment, scratch, table
from ruamel.yaml import YAML

FAULTS = "error@1,cut@2,repeat@3"
CANDIDATES = {"linear_regression": {}, "decision_tree": {"sets": [{"max_depth": 4}]}}
# moments, ids of runs, and the digest of a body, which names the group
UNLIKE = {"houses_raw": {"ingested_at"}, "houses_batches": {"at", "run_id", "digest"}}
TABLES = ("houses_raw", "houses_clean", "houses_rejected", "houses_batches")
HOUSE = {"status": "sold", "bed": 3, "bath": 2.0, "acre_lot": 0.2, "state": "Ohio",
         "house_size": 1500.0}  # fmt: skip
SECONDS = 600  # at most, for one run
Left = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """One project: the seconds after which its run was killed, and how its end differs."""

    kills: list[float]
    seconds: float
    differs: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.002, help="of the rows of each batch")
    given = parser.parse_args()
    describe_machine()
    with scratch() as folder, data_service(folder, given.share, FAULTS) as address:
        whole = project(folder, address, 0)
        taken = run(whole, SECONDS)
        if taken is None:
            raise SystemExit(f"the run that is left alone has not ended in {SECONDS} s")
        expected = left(whole)
        print(f"left alone: {taken:.1f} s, {len(expected['ledger'])} promotions", flush=True)
        found = list(
            tries(folder, address, expected, random.Random(given.seed), given.kills, taken)
        )
    sys.exit(show(found, expected))


def project(folder: Path, address: str, group: int) -> Mapping[str, str]:
    """The environment of a project of its own, with quick candidates."""
    yaml = YAML()
    task = yaml.load(ROOT / "tasks" / "houses.yaml")
    task["source"] = {"batches": {"url": address, "group": group}}
    task["candidates"] = CANDIDATES
    task["gate"] = {"minimum": {"r2": -1.0}, "not_worse_than_production": False}
    task["retrain"] = {"drift": None}
    # some hundred rows teach no model what holds of houses
    del task["checks"]
    tasks = folder / str(group) / "tasks"
    tasks.mkdir(parents=True)
    yaml.dump(task, tasks / "houses.yaml")
    return environment(folder / str(group) / "home", ROOKERY_TASKS=str(tasks))


def run(environ: Mapping[str, str], seconds: float) -> float | None:
    """Seconds that it took; None where it was killed after so many.

    Raises:
        SystemExit: it failed.
    """
    began = time.monotonic()
    process = rookery(environ, "run", "houses", "--all", "--jobs", "2")
    try:
        said, complained = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()  # not for its pipes, which its workers still hold
        return None
    if process.returncode:
        raise SystemExit(
            f"rookery run ended with {process.returncode}:\n{said}{complained[-3000:]}"
        )
    return time.monotonic() - began


def rookery(environ: Mapping[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "rookery.cli", *arguments, "--json"],
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(environ: Mapping[str, str], *arguments: str) -> Any:
    process = rookery(environ, *arguments)
    said, complained = process.communicate()
    if process.returncode:
        raise SystemExit(f"rookery {' '.join(arguments)} failed:\n{complained[-3000:]}")
    return json.loads(said)


def tries(
    folder: Path, address: str, expected: Left, moments: random.Random, kills: int, taken: float
) -> Iterator[Tried]:
    group, killed = 0, 0
    while killed < kills:
        group += 1
        environ, began = project(folder, address, group), time.monotonic()
        after: list[float] = []
        while killed < kills and run(environ, moment := moments.uniform(0, taken)) is None:
            after.append(moment)
            killed += 1
        if killed == kills:
            run(environ, SECONDS)
        differs = [name for name, value in left(environ).items() if value != expected[name]]
        yield Tried(after, time.monotonic() - began, differs)
        shown = ", ".join(f"{moment:.1f}" for moment in after)
        print(f"{killed} of {kills} kills: after {shown or 'none'} s; {differs or 'the same'}")


def left(environ: Mapping[str, str]) -> Left:
    """What is there at the end, by name; versions by the order in which they were promoted."""
    stands = asked(environ, "status", "houses")
    done = [row for row in stands["ledger"] if row["outcome"] == "done"]
    turn = {row["to"]: number for number, row in enumerate(done)}
    found: Left = {name: rows(environ, name, turn) for name in TABLES}
    answer = asked(environ, "predict", "houses", "--row", json.dumps(HOUSE))
    return found | {
        "counts": stands["tables"],
        "ledger": [(turn.get(row["from"]), turn[row["to"]], row["metrics"]) for row in done],
        "pending": stands["pending"],
        "champion": (
            turn.get(stands["production"]["version"]),
            answer["predictions"][0]["prediction"],
        ),
    }


def rows(environ: Mapping[str, str], name: str, turn: Mapping[str, int]) -> list[dict[str, Any]]:
    place = Path(environ["ROOKERY_HOME"]) / "tables.db"
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        found = [dict(row) for row in database.execute(f"SELECT * FROM {name}")]
    for row in found:
        if row.get("model_version") is not None:
            row["model_version"] = turn.get(row["model_version"])
        for column in UNLIKE.get(name, ()):
            del row[column]
    return found


def show(found: list[Tried], expected: Left) -> int:
    """Prints what came of it; 1 where an end is another one."""
    lines = [
        [number, len(one.kills), f"{one.seconds:.1f}", ", ".join(one.differs) or "nothing"]
        for number, one in enumerate(found, 1)
    ]
    table("Batches under kill -9", ["project", "kills", "s", "differs in"], lines)
    kills, wrong = sum(len(one.kills) for one in found), sum(bool(one.differs) for one in found)
    rows_in_all = len(expected["houses_raw"])
    print(f"\n{kills} kills in {len(found)} projects of {rows_in_all:,} rows:", end=" ")
    print(f"{wrong} ended otherwise" if wrong else "each ended as the run that was left alone")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
