"""Six batches of houses from our data service to promoted models: rows a second, memory.

Each batch is a process of its own, with drift off, so that the share of unseen rows decides.
Memory is the largest sum over the process and those it started, what they share counted once,
and of that process alone.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from measuring import (
    HERE,
    ROOT,
    describe_machine,
    environment,
    free_ports,
    scratch,
    table,
    verdict,
    watched_memory,
)
from ruamel.yaml import YAML

MOST_MB = 3000
EXPECTED = ["train", "wait", "train", "wait", "wait", "train"]
Report = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the rows of each batch")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--candidates", nargs="+", help="families; all of the task if left out")
    given = parser.parse_args()
    describe_machine()
    with scratch() as folder, data_service(folder, given.share) as address:
        write_task(folder / "tasks", given.candidates)
        places = {"ROOKERY_TASKS": str(folder / "tasks"), "SOURCE_BATCHES_URL": address}
        environ = environment(folder / "home", **places)
        found = [run(environ, "--jobs", given.jobs) for _ in EXPECTED]
        again = run(environ, "--again")
    show(found, again)
    if [one["decision"] for one in found] != EXPECTED:
        raise SystemExit(f"the decisions are not {EXPECTED}")


def write_task(folder: Path, candidates: list[str] | None) -> None:
    yaml = YAML()
    task = yaml.load(ROOT / "tasks" / "houses.yaml")
    task["retrain"] = {"drift": None}
    for family in list(task["candidates"]):
        if candidates and family not in candidates:
            del task["candidates"][family]
    folder.mkdir()
    yaml.dump(task, folder / "houses.yaml")


@contextmanager
def data_service(folder: Path, share: float, faults: str = "") -> Iterator[str]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port)]
    state = str(folder / "cursors.db")
    given = {"DATA_API_SHARE": str(share), "DATA_API_STATE": state, "DATA_API_FAULTS": faults}
    place = ROOT / "services" / "data-api"
    process = subprocess.Popen(
        [*command, "--log-level", "error"], cwd=place, env=os.environ | given
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{address}/health", timeout=5).raise_for_status()
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def run(environ: Mapping[str, str], *arguments: object) -> Report:
    command = [sys.executable, str(HERE / "one_batch.py"), *map(str, arguments)]
    process = subprocess.Popen(command, env=dict(environ), stdout=subprocess.PIPE, text=True)
    with watched_memory(process.pid) as seen:
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    report: Report = json.loads(said.strip().splitlines()[-1])
    return report | {"together_mb": max(seen)}


def show(found: list[Report], again: Report) -> None:
    steps = {"ingest": "load_next", "clean": "clean", "decide": "_decide", "sweep": "sweep",
             "promote": "promote"}  # fmt: skip
    rows = [
        [one["number"], one["rows"], f"{one['decision']} ({one['unseen']:.2%})"]
        + [one.get(step, 0.0) for step in steps.values()]
        + [one["seconds"], int(one["peak_mb"]), int(one["together_mb"])]
        for one in found
    ]
    header = ["batch", "rows", "decision", *(f"{name} s" for name in steps), "all s", "MB",
              "MB together"]  # fmt: skip
    table("Six batches", header, rows)
    total = sum(one["rows"] for one in found)
    rates = [
        [name, taken := sum(one.get(step, 0.0) for one in found), int(total / taken)]
        for name, step in steps.items()
        if any(step in one for one in found)
    ]
    rates.append(["clean, all again", again["clean"], int(again["rows"] / again["clean"])])
    table("Steps", ["step", "s", "rows/s"], rates)
    peak = max(one["together_mb"] for one in [*found, again])
    print(f"\n{total:,} rows in {sum(one['seconds'] for one in found):.0f} s;")
    print(f"most memory at a time, in MB: {verdict(peak, MOST_MB, at_least=False)}")


if __name__ == "__main__":
    main()
