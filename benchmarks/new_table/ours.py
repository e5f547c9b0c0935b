"""A table through `rookery new`, `rookery run` and `rookery serve`, each on the clock."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from environments import CannotRun
from measuring import HERE, environment, free_ports
from new_table.tables import Table
from serving.cores import on_cores
from serving.servers import running
from serving.trained import rookery


@dataclass(frozen=True)
class Ours:
    """Seconds of each step, and what the sweep said."""

    steps: dict[str, float]
    report: dict[str, Any]
    folder: Path  # with the rows that were handed out

    @property
    def trained(self) -> float:
        """Seconds from the file to the promoted version."""
        return self.steps["new"] + self.steps["run"]


@dataclass(frozen=True)
class Side:
    """Where a side works, and on which cores."""

    folder: Path
    cores: list[int]

    def on_cores(self, command: list[str]) -> list[str]:
        return on_cores(",".join(map(str, self.cores)), command)


def bring(table: Table, csv: Path, side: Side, seconds: float | None) -> Ours:
    """From the file to the first right answer over HTTP; `seconds` are the budget of the sweep.

    Raises:
        CannotRun: a step failed; with the end of what it said.
    """
    tasks = side.folder / "tasks"
    tasks.mkdir()
    given = {"ROOKERY_TASKS": str(tasks), "ROOKERY_TASK": table.name, "MODEL_NAME": table.name}
    environ = environment(side.folder / "home", **given)
    steps: dict[str, float] = {}
    arguments = ["new", table.name, "--from", str(csv), "--target", table.target]
    steps["new"], said = _timed([rookery(), *arguments], environ, side)
    print(said)
    budget = [] if seconds is None else ["--time-budget", f"{seconds:.1f}"]
    jobs = ["--jobs", str(len(side.cores))]
    steps["run"], said = _timed([*_job("run"), *jobs, *budget], environ, side)
    report = json.loads(said.splitlines()[-1])
    _timed([*_job("hand_out"), "--out", str(side.folder)], environ, side)
    steps["serve"] = _served(environ, side)
    return Ours(steps, report, side.folder)


def _job(name: str) -> list[str]:
    return [sys.executable, str(HERE / "one_job.py"), name]


def _timed(command: list[str], environ: Mapping[str, str], side: Side) -> tuple[float, str]:
    """Seconds of the whole process, and its standard output."""
    began = time.perf_counter()
    done = subprocess.run(
        side.on_cores(command),
        env=dict(environ),
        cwd=side.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"{' '.join(command)} failed: {done.stderr[-300:]}")
    return time.perf_counter() - began, done.stdout.strip()


def _served(environ: Mapping[str, str], side: Side) -> float:
    """Seconds from the start of the API to its first right answer; some more are checked."""
    (port,) = free_ports(1)
    asked = json.loads((side.folder / "asked.json").read_text(encoding="utf-8"))
    first, *others = zip(asked["rows"], asked["said"], strict=True)
    command = side.on_cores([rookery(), "serve"])
    named = dict(environ) | {"PORT": str(port)}
    with running("rookery", command, named, side.folder, port) as server:
        seconds = server.wait(lambda url: _fault(url, *first))
        for question in others:
            if wrong := _fault(server.url, *question):
                raise CannotRun(f"wrong answer: {wrong}")
        version = requests.get(f"{server.url}/ready", timeout=60).json()["version"]
    if version != asked["version"]:
        raise CannotRun(f"version {asked['version']} is promoted, and {version} answered")
    return seconds


def _fault(url: str, row: dict[str, Any], expected: Any) -> str:
    """What is wrong with the answer to a record, or nothing; a number is right but for rounding."""
    try:
        answer = requests.post(f"{url}/predict", json=row, timeout=60)
    except requests.RequestException as error:
        return type(error).__name__
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:120]}"
    said = answer.json()["prediction"]
    number = isinstance(expected, float)
    right = math.isclose(said, expected, rel_tol=1e-9) if number else said == expected
    return "" if right else f"{said!r} instead of {expected!r}"
