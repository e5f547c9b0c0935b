"""The API against the servers that people use for a scikit-learn pipeline, on one machine.

Makes an environment for each of them once (below ROOKERY_BENCH_CACHE), trains the pipelines, and
asks every server in turn on 127.0.0.1. Needs wrk.
"""

import argparse
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from environments import add_cache, pinned
from measuring import describe_machine, scratch
from serving import goals
from serving.competitors import (
    ECHO,
    LOG,
    MLFLOW,
    OTHERS,
    OURS,
    OURS_BATCH,
    OURS_INVOCATIONS,
    OURS_INVOCATIONS_OFF,
    OURS_OFF,
    REQUIREMENTS,
    Bench,
    Competitor,
)
from serving.cores import shared_out
from serving.load import need_wrk
from serving.rates import Kind, Rates, measure, show
from serving.starts import starts
from serving.steady import beside_a_sweep, during_swaps
from serving.trained import train

SECTIONS = (
    *("lr64", "lr1", "rf64", "rf1", "uncompiled", "batches"),
    *("open", "swaps", "start", "memory"),
)
ONE_ROW = {64: "64 connections", 1: "1 connection"}
BATCHES = (1_000, 10_000)
Values = dict[str, float | None]


def main() -> None:
    given = arguments()
    need_wrk()
    describe_machine()
    cores = shared_out()
    print(f"wrk, {cores}; one process of each server, as it comes")
    print("\n".join(f"{name}: {pins}" for name, pins in pinned(REQUIREMENTS).items()), flush=True)
    with scratch() as folder:
        bench = Bench(train(folder), folder, given.cache, cores, given.rounds, given.seconds)
        values: Values = {}
        for section in sections(given):
            values |= section(bench)
        goals.show(values, given.only)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of load on a server in a round")
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="one round of 2 s, 4 swaps")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="SECTION", help=", ".join(SECTIONS)
    )
    add_cache(parser)
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds, given.swaps = 1, 2, 4
    if unknown := [name for name in given.only if not any(s.startswith(name) for s in SECTIONS)]:
        parser.error(f"--only {' '.join(unknown)}: allowed are {', '.join(SECTIONS)}")
    given.only = [name for name in SECTIONS if name.startswith(tuple(given.only))]
    return given


def sections(given: argparse.Namespace) -> list[Callable[[Bench], Values]]:
    """What was chosen, in the order of the goals."""
    found: list[Callable[[Bench], Values]] = []
    for key, section in (("lr", linear_rows), ("rf", forest_rows)):
        if connections := [n for n in ONE_ROW if f"{key}{n}" in given.only]:
            found.append(partial(section, connections=connections))
    swaps = partial(during_swaps, swaps=given.swaps)
    others: dict[str, Callable[[Bench], Values]] = {
        "uncompiled": uncompiled,
        "batches": batches,
        "open": beside_a_sweep,
        "swaps": swaps,
    }
    found += [others[key] for key in given.only if key in others]
    return [*found, starts] if {"start", "memory"} & set(given.only) else found


def linear_rows(bench: Bench, connections: list[int]) -> Values:
    kinds = [Kind(f"lr{n}", f"LogisticRegression, {ONE_ROW[n]}", n) for n in connections]
    rates = counted(bench, "linear", [OURS, OURS_OFF, *OTHERS, ECHO], kinds)
    values: Values = {}
    for kind in kinds:
        batching = [rates.ratio(kind, OURS, one) for one in OTHERS if one.batching]
        values |= {
            f"{kind.key} mlflow": rates.ratio(kind, OURS, MLFLOW),
            f"{kind.key} echo": rates.ratio(kind, OURS, ECHO),
            f"{kind.key} batching": min((one for one in batching if one), default=None),
        }
    return values


def forest_rows(bench: Bench, connections: list[int]) -> Values:
    kinds = [Kind(f"rf{n}", f"RandomForest(100), {ONE_ROW[n]}", n) for n in connections]
    rates = counted(bench, "forest", [OURS, OURS_OFF, *OTHERS], kinds)
    return {f"{kind.key} mlflow": rates.ratio(kind, OURS, MLFLOW) for kind in kinds}


def uncompiled(bench: Bench) -> Values:
    kind = Kind("uncompiled", "A pipeline that is not compiled, 64 connections", 64)
    rates = counted(bench, "polynomial", [OURS, OURS_OFF, MLFLOW], [kind])
    return {"uncompiled mlflow": rates.ratio(kind, OURS, MLFLOW)}


def batches(bench: Bench) -> Values:
    """The same bytes to ours and to mlflow count; beside them our own form, which answers more."""
    ratios: dict[int, list[float | None]] = {rows: [] for rows in BATCHES}
    for model, name in (("linear", "LogisticRegression"), ("forest", "RandomForest(100)")):
        kinds = [Kind(f"{n}", f"{name}, {n:,} rows a request, 1 connection", 1, n) for n in BATCHES]
        rates = counted(
            bench, model, [OURS_INVOCATIONS, OURS_INVOCATIONS_OFF, OURS_BATCH, MLFLOW], kinds
        )
        for kind in kinds:
            ratios[kind.rows].append(rates.ratio(kind, OURS_INVOCATIONS, MLFLOW))
    return {f"batches {rows}": lower(found) for rows, found in ratios.items()}


def lower(ratios: list[float | None]) -> float | None:
    """Of both models; None where one could not be measured."""
    found = [ratio for ratio in ratios if ratio is not None]
    return min(found) if len(found) == len(ratios) else None


def counted(bench: Bench, model: str, asked: Sequence[Competitor], kinds: Sequence[Kind]) -> Rates:
    """Measures, prints a table for each kind, and what the prediction log kept."""
    bench.trained.promote(model)
    before = logged(bench.trained.tables)
    rates = measure(bench, model, asked, kinds)
    for kind in kinds:
        show(rates, asked, kind)
    kept = logged(bench.trained.tables) - before
    answered = sum(rates.answered[one.name] for one in asked if one.environ.get(LOG) == "on")
    print(f"\nThe prediction log kept {kept:,} rows; wrk and the checks counted {answered:,}.")
    return rates


def logged(tables: Path) -> int:
    with closing(sqlite3.connect(tables)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE name = 'predictions'")
        if not names.fetchall():
            return 0
        return int(database.execute("SELECT count(*) FROM predictions").fetchone()[0])


if __name__ == "__main__":
    main()
