"""What goes wrong in a stack, and what must hold afterwards.

The task `faults` is the penguins with candidates that are cheap to fit: what takes time is logging
them, which is where a store that dies is met.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from ruamel.yaml import YAML
from tests.penguins import PENGUIN
from tests.stack.stack import Stack, wait_until

# "stopped for a minute": longer than all retries of a request to MLflow and the longest pause
# between two looks of the API at the registry, so that a longer absence shows nothing more
AWAY_SECONDS = 20
TASK = "faults"
TABLES = {"raw": 344, "clean": 333, "rejected": 11, "duplicates": 0}
CANDIDATES = {
    "logistic_regression": {"sets": [{"C": 0.1 * n} for n in range(1, 7)]},
    "decision_tree": {
        "fixed": {"random_state": 42},
        "sets": [{"max_depth": n} for n in range(2, 8)],
    },
    "knn": {"sets": [{"n_neighbors": n} for n in range(3, 9)]},
}


def add_task(stack: Stack) -> None:
    """The task file, where the containers read it, and a promoted version of it."""
    yaml = YAML()
    task = yaml.load((stack.folder / "tasks" / "penguins.yaml").read_text())
    task |= {"name": TASK, "candidates": CANDIDATES}
    task["split"]["folds"] = 2
    with (stack.folder / "tasks" / f"{TASK}.yaml").open("w") as file:
        yaml.dump(task, file)
    stack.wait_healthy()
    if stack.production(TASK) is None:
        stack.rookery("run", TASK)


def kill(stack: Stack, service: str) -> str:
    """SIGKILL from outside Docker, which takes its own `docker kill` for a wish to have it stopped.

    Returns when the container had been started.
    """
    state = stack.containers()[service]["State"]
    stack.run(
        *("docker", "run", "--rm", "--pid=host", "--network=none", "--user=0"),
        *("--entrypoint=bash", "postgres:17", "-c", f"kill -9 {state['Pid']}"),
    )
    return str(state["StartedAt"])


def wait_revived(stack: Stack, service: str, started: str) -> None:
    """Until Docker has started the container again by itself and the service works."""
    wait_until(
        lambda: stack.containers()[service]["State"]["StartedAt"] != started,
        f"{service} started again by itself",
    )
    stack.wait_healthy()


@contextmanager
def away(stack: Stack, service: str) -> Iterator[None]:
    """The service is stopped for AWAY_SECONDS, or for as long as the block takes."""
    with stack.stopped(service):
        back = time.monotonic() + AWAY_SECONDS
        yield
        wait_until(lambda: time.monotonic() >= back, "the end of the absence", AWAY_SECONDS + 1)


@contextmanager
def paused(stack: Stack, service: str) -> Iterator[None]:
    """The service is there, takes connections and says nothing."""
    stack.compose("pause", service)
    try:
        yield
    finally:
        stack.compose("unpause", service)
        stack.wait_healthy(service)


class Asking:
    """Asks the API for predictions, one after the other, while the block lasts: none may fail."""

    def __init__(self, stack: Stack) -> None:
        self.address = stack.address("API_PORT") + "/predict"
        self.versions: list[str] = []
        self.failures: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if kind is None:
            assert self.failures == []
            assert len(self.versions) > 10

    def _ask(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._end.is_set():
                try:
                    answer = client.post(self.address, json=PENGUIN).raise_for_status()
                    self.versions.append(answer.json()["version"])
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}")


def start_sweep(stack: Stack) -> "subprocess.Popen[str]":
    """A sweep under way: at least one candidate is logged, and others are still to come."""
    before = logged(stack)
    sweep = stack.start("exec", "-T", "jupyter", "rookery", "sweep", TASK, "--no-cross-validate")
    wait_until(lambda: logged(stack) > before or sweep.poll() is not None, "a candidate logged")
    assert sweep.poll() is None, sweep.communicate()
    return sweep


def runs(stack: Stack, status: str) -> int:
    """How many runs of the task are in that state."""
    query = (
        "SELECT count(*) FROM runs JOIN experiments USING (experiment_id) "
        f"WHERE experiments.name = '{TASK}' AND status = '{status}'"
    )
    return int(stack.postgres(query)[0][0])


def logged(stack: Stack) -> int:
    return runs(stack, "FINISHED")


def another_version(stack: Stack) -> str:
    """A version that does not carry the alias."""
    current = stack.production(TASK)
    query = f"SELECT version FROM model_versions WHERE name = '{TASK}' ORDER BY version DESC"
    others = [str(row[0]) for row in stack.postgres(query) if str(row[0]) != current]
    if others:
        return others[0]
    return str(sweep(stack)["version"])


def sweep(stack: Stack) -> dict[str, Any]:
    """What a sweep of the task says of itself."""
    found = stack.rookery("sweep", TASK, "--no-cross-validate", "--json")
    return dict(json.loads(found.stdout))


def told(output: str) -> str:
    """The one message of a command that failed."""
    lines = output.splitlines()
    messages = [line for line in lines if line.startswith("error: ")]
    assert len(messages) == 1, output
    assert "Traceback" not in output
    assert "Warning" not in output
    return messages[0]


def failed(stack: Stack, *arguments: str) -> dict[str, Any]:
    """The error of a command that ends with exit code 1."""
    done = stack.rookery(*arguments, "--json", check=False, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return dict(json.loads(done.stdout)["error"])


def assert_sound(stack: Stack) -> None:
    """Nothing lost, nothing half-done: tables, ledger, versions, and the state of every run."""
    status = json.loads(stack.rookery("status", TASK, "--json").stdout)
    assert status["tables"] == TABLES
    assert not status["pending"]
    assert [row for row in status["ledger"] if row["outcome"] == "pending"] == []
    assert runs(stack, "RUNNING") == 0
    assert half_registered(stack) == []


def half_registered(stack: Stack) -> list[int]:
    """Versions that are not ready, or whose files are not all in the object store."""
    query = (
        "SELECT version, status, storage_location FROM model_versions "
        f"WHERE name = '{TASK}' ORDER BY version"
    )
    files = stack.artifacts()
    return [
        version
        for version, status, place in stack.postgres(query)
        if status != "READY"
        or not {f"{key_of(place)}/{name}" for name in ("MLmodel", "model.skops")} <= files
    ]


def key_of(place: str) -> str:
    return place.replace("mlflow-artifacts:/", "artifacts/", 1)
