"""A sweep over a thousand linear, tree and boosted candidates on the Adult data.

Prints runs a second, the memory that the sweep and its workers have together, and how long the
requests of MLflow's page take afterwards. Adult is fetched, or taken from SOURCE_FILES.
"""

import argparse
import os
import time
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import requests
from default_server import default_server
from measuring import (
    ROOT,
    describe_machine,
    environment,
    fresh,
    median,
    scratch,
    table,
    watched_memory,
)
from ruamel.yaml import YAML

LOOKS = 20  # of each request
Grid = dict[str, dict[str, list[Any]]]
GRID: Grid = {
    "logistic_regression": {
        "C": [round(10 ** (n / 12), 5) for n in range(-42, 42)],
        "max_iter": [200, 400],
        "fit_intercept": [True, False],
    },
    "decision_tree": {
        "max_depth": [4, 6, 7, 8, 9, 10, 12, None],
        "min_samples_leaf": [5, 10, 20, 40, 80, 160],
        "criterion": ["gini", "entropy"],
        "max_features": [None, 0.5, 0.3, "sqrt"],
    },
    "hist_gradient_boosting": {
        "max_iter": [20, 40],
        "learning_rate": [0.05, 0.1, 0.2],
        "max_leaf_nodes": [7, 15, 31],
        "l2_regularization": [0.0, 1.0, 5.0],
        "min_samples_leaf": [5, 10, 20, 40, 80, 160, 320],
    },
}


def main() -> None:
    given = arguments()
    describe_machine()
    with scratch() as folder:
        home, tasks = folder / "home", folder / "tasks"
        write_task(tasks, given.candidates, given.rows)
        chosen = {"ROOKERY_TASKS": str(tasks), "ROOKERY_TASK": "adult"}
        if "SOURCE_FILES" in os.environ:
            chosen["SOURCE_FILES"] = os.environ["SOURCE_FILES"]
        environ = environment(home, **chosen)
        fresh("one_job.py", "prepare", environ=environ, folder=folder)
        arguments_of = ("sweep", "--jobs", given.jobs)
        with watched_memory() as seen:
            done = fresh("one_job.py", *arguments_of, environ=environ, folder=folder)
        count = int(done.report["candidates"])
        memory = [max(seen[: 1 + len(seen) // 10]), max(seen)]
        sizes = [f"{size_mb(home / 'mlflow.db'):.0f}", f"{size_mb(home / 'artifacts'):.0f}"]
        rows = [
            [count, done.seconds, count / done.seconds, done.process_cpu_seconds, *memory, *sizes]
        ]
        header = ["runs", "s", "runs/s", "CPU s", "MB, first tenth", "MB, at most"]
        table(
            f"A sweep without folds, {given.rows or 'all'} rows",
            [*header, "mlflow.db MB", "artifacts MB"],
            rows,
        )
        with default_server(folder / "server", environ, home / "mlflow.db") as uri:
            show_page(uri)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", type=int, help="fit on a sample of so many training rows")
    return parser.parse_args()


def write_task(folder: Path, count: int, rows: int | None) -> None:
    """Adult with so many candidates, a third of each kind."""
    yaml = YAML()
    task = yaml.load(ROOT / "tasks" / "adult.yaml")
    shares = [count // 3, count // 3, count - 2 * (count // 3)]
    task["candidates"] = {
        family: {"sets": list(islice(sets_of(grid), share))} | ({"max_rows": rows} if rows else {})
        for (family, grid), share in zip(GRID.items(), shares, strict=True)
    }
    short = {name: len(found["sets"]) for name, found in task["candidates"].items()}
    if sum(short.values()) != count:
        raise SystemExit(f"the grid holds no {count} candidates: {short}")
    folder.mkdir()
    yaml.dump(task, folder / "adult.yaml")


def sets_of(grid: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def size_mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20


def show_page(uri: str) -> None:
    """The requests by which MLflow's page shows an experiment, and a run of it."""
    found = ask(uri, "experiments/search", {"max_results": 10})["experiments"]
    experiment = next(each["experiment_id"] for each in found if each["name"] == "adult")
    newest = {"experiment_ids": [experiment], "max_results": 100}
    newest["order_by"] = ["attributes.start_time DESC"]
    best = newest | {"order_by": ["metrics.`holdout_roc_auc` DESC"]}
    run = ask(uri, "runs/search", newest)["runs"][0]["info"]["run_id"]
    requests_of: dict[str, tuple[str, dict[str, Any]]] = {
        "runs/search, newest 100": ("runs/search", newest),
        "runs/search, best 100 by a metric": ("runs/search", best),
        "logged-models/search": ("logged-models/search", {"experiment_ids": [experiment]}),
        f"runs/get {run[:6]}": ("runs/get", {"run_id": run}),
    }
    rows = []
    for name, (route, body) in requests_of.items():
        taken = sorted(look(uri, route, body) for _ in range(LOOKS))
        rows.append([name, median(taken) * 1000, taken[-1] * 1000])
    table("MLflow's page afterwards", ["request", "ms, median", "ms, at most"], rows)


def look(uri: str, route: str, body: dict[str, Any]) -> float:
    started = time.perf_counter()
    ask(uri, route, body)
    return time.perf_counter() - started


def ask(uri: str, route: str, body: dict[str, Any]) -> Any:
    address = f"{uri}/ajax-api/2.0/mlflow/{route}"
    if route.endswith("/get"):
        answer = requests.get(address, params=body, timeout=60)
    else:
        answer = requests.post(address, json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


if __name__ == "__main__":
    main()
