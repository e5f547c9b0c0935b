"""A promotion in the stack tells the API, which here would not look for itself within the hour."""

import json
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from tests.stack import faults
from tests.stack.stack import Stack, wait_until
from tests.stack.test_notebooks import Jupyter, streams

PROMOTING = "import rookery as rk; print(rk.promote('penguins', version='{}').api)"


def answering(stack: Stack) -> str | None:
    """The version that answers now; None while none does."""
    ready = stack.api("GET", "/ready")
    return ready.json()["version"] if ready.is_success else None


@pytest.fixture(scope="module")
def patient(promoted: Stack) -> Iterator[Stack]:
    """An API that looks at the registry when it starts, and then only when it is told."""
    slow = Stack(promoted.folder, promoted.ports, {"RELOAD_SECONDS": "3600"})
    slow.up("--no-deps", "fastapi")
    slow.wait_healthy("fastapi")
    wait_until(lambda: answering(slow) == slow.production(), "the API serves what is promoted")
    yield slow
    promoted.up("--no-deps", "fastapi")
    promoted.wait_healthy("fastapi")


@pytest.fixture(scope="module")
def versions(patient: Stack) -> tuple[str, str]:
    """The promoted version, and one that is as good."""
    swept = json.loads(patient.rookery("sweep", "--no-cross-validate", "--json").stdout)
    return str(patient.production()), str(swept["version"])


def last_entry(stack: Stack) -> dict[str, Any]:
    return json.loads(stack.rookery("status", "--json").stdout)["ledger"][-1]


def test_the_api_answers_with_the_version_when_the_cell_that_promotes_has_ended(patient, versions):
    cell = nbformat.v4.new_code_cell(PROMOTING.format(versions[1]))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    ran = Jupyter(patient).run("notebooks/told.ipynb", notebook)
    assert patient.predict()["version"] == versions[1]
    assert streams(ran) == f"http://fastapi:8000 answers with version {versions[1]}\n"
    assert patient.rookery("rollback").returncode == 0
    assert patient.predict()["version"] == versions[0]


def test_a_reload_that_is_refused_is_an_error_and_the_next_promotion_repeats_it(patient, versions):
    first, second = versions
    wrong = ("exec", "-T", "-e", "API_ADMIN_TOKEN=wrong", "jupyter")
    command = ("rookery", "promote", "--version", second)
    done = patient.compose(*wrong, *command, "--json", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["field"] == "API_ADMIN_TOKEN"
    assert "401" in error["message"]
    assert (patient.production(), patient.predict()["version"]) == (second, first)
    assert last_entry(patient)["outcome"] == "failed"
    assert "not the API" in json.loads(patient.rookery("status", "--json").stdout)["warnings"][0]
    told = patient.execute("jupyter", *command).stdout
    assert told.endswith(f"http://fastapi:8000 answers with version {second}\n")
    assert patient.predict()["version"] == second
    assert last_entry(patient)["outcome"] == "done"
    patient.rookery("rollback")


def test_an_api_that_is_away_is_an_error_of_the_promotion_and_takes_the_version_at_its_start(
    patient, versions
):
    with patient.stopped("fastapi"):
        error = faults.failed(patient, "promote", "--version", versions[1])
    assert error["field"] == "API_URL"
    assert "http://fastapi:8000 has not taken the version" in error["message"]
    wait_until(lambda: answering(patient) == versions[1], "the API serves what is promoted")
    assert patient.rookery("promote", "--version", versions[1]).returncode == 0
    assert last_entry(patient)["outcome"] == "done"
    patient.rookery("rollback")
    assert patient.predict()["version"] == versions[0]
