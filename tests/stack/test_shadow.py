"""A challenger that scores what the champion of the stack answers, in several workers."""

import json
from collections.abc import Iterator

import pytest
from tests.stack.faults import away
from tests.stack.stack import Stack, wait_until


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


def compared(stack: Stack, challenger: str) -> float:
    names = f'model="penguins",shadow="{challenger}",version="{stack.production()}"'
    return figure(stack, f"shadow_rows_total{{{names}}}")


def asked_until_compared(stack: Stack, challenger: str, rows: int = 40) -> None:
    """That both are loaded is not known of each worker, so some of the first may be missed."""
    before = compared(stack, challenger)

    def enough() -> bool:
        for _ in range(rows):
            assert stack.predict()["version"] == stack_version
        return compared(stack, challenger) >= before + rows

    stack_version = stack.production()
    wait_until(enough, "rows are compared")


def test_workers_compare_what_they_answer(shadowed, challenger):
    wait_until(lambda: shadowed.api("GET", "/ready").is_success, "the API is ready")
    asked_until_compared(shadowed, challenger)
    names = f'model="penguins",shadow="{challenger}"'
    agreed = figure(shadowed, f"shadow_agreements_total{{{names}")
    assert 0 < agreed <= figure(shadowed, f"shadow_rows_total{{{names}")
    assert figure(shadowed, "shadow_rows_skipped_total") == 0


def test_a_start_without_mlflow_goes_on_comparing(shadowed, challenger):
    version = shadowed.production()
    with away(shadowed, "mlflow"):
        shadowed.compose("restart", "fastapi")
        shadowed.wait_healthy("fastapi")
        wait_until(lambda: shadowed.api("GET", "/ready").is_success, "the API is ready")
        assert shadowed.predict()["version"] == version
        names = f'model="penguins",shadow="{challenger}",version="{version}"'
        wait_until(
            lambda: shadowed.predict() and figure(shadowed, f"shadow_rows_total{{{names}}}") > 20,
            "rows are compared",
        )
