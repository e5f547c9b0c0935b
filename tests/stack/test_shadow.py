"""A challenger that scores what the champion of the stack answers, in several workers."""

import json
from collections.abc import Iterator

import pytest
from tests.stack.faults import away
from tests.stack.stack import PENGUIN, Stack, wait_until


@pytest.fixture(scope="module")
def challenger(promoted: Stack) -> str:
    """A version beside the promoted one."""
    swept = json.loads(promoted.rookery("sweep", "--no-cross-validate", "--json").stdout)
    return str(swept["version"])


@pytest.fixture(scope="module")
def shadowed(promoted: Stack, challenger: str) -> Iterator[Stack]:
    """Two workers, each of which follows both versions."""
    both = Stack(promoted.folder, promoted.ports, {"SHADOW": "challenger", "API_WORKERS": "2"})
    both.up("--no-deps", "fastapi")
    both.wait_healthy("fastapi")
    yield both
    promoted.up("--no-deps", "fastapi")
    promoted.wait_healthy("fastapi")


def figure(stack: Stack, start: str) -> float:
    """The sum of the figures whose lines start so."""
    lines = stack.api("GET", "/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


def grows(stack: Stack, name: str, rows: int = 40) -> bool:
    """Asks for that many rows, and says whether as many were compared since the API started.

    Whether each worker has both versions by then is not known, so some of the first may be missed.
    """
    answer = stack.api("POST", "/predict/batch", json=[PENGUIN] * rows)
    return answer.is_success and figure(stack, name) >= rows


def test_workers_compare_what_they_answer(shadowed, challenger):
    names = f'{{model="penguins",shadow="{challenger}",version="{shadowed.production()}"}}'
    wait_until(lambda: grows(shadowed, f"shadow_rows_total{names}"), "rows are compared")
    agreed = figure(shadowed, f"shadow_agreements_total{names}")
    assert 0 < agreed <= figure(shadowed, f"shadow_rows_total{names}")
    assert figure(shadowed, "shadow_rows_skipped_total") == 0


def test_a_start_without_mlflow_goes_on_comparing(shadowed, challenger):
    version = shadowed.production()
    names = f'{{model="penguins",shadow="{challenger}",version="{version}"}}'
    with away(shadowed, "mlflow"):
        shadowed.compose("restart", "fastapi")
        shadowed.wait_healthy("fastapi")
        wait_until(lambda: grows(shadowed, f"shadow_rows_total{names}"), "rows are compared")
        assert shadowed.predict()["version"] == version
