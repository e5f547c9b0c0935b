"""The checks of a task as tests: `pytest model_tests --task penguins`."""

import pytest

from rookery.core.checks import Asked, declared
from rookery.errors import RookeryError
from rookery.jobs.project import open_project
from rookery.jobs.verify import subject
from rookery.text import failure


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rookery", "the model that is tested")
    group.addoption("--task", metavar="TASK", help="its task; ROOKERY_TASK if left out")
    # --version is pytest's own
    group.addoption("--model-version", metavar="N", help="this registered version")
    group.addoption("--alias", metavar="A", help="what carries it; MODEL_ALIAS if left out")
    group.addoption("--models-dir", metavar="DIR", help="the model that `rookery train` wrote")
    group.addoption("--data", metavar="FILE", help="rows to ask it with")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each check that the task declares."""
    if "check" not in metafunc.fixturenames:
        return
    try:
        task = open_project(metafunc.config.getoption("--task")).task
    except RookeryError as error:
        raise pytest.UsageError(failure(error)) from None
    metafunc.parametrize("check", declared(task), ids=lambda check: check.id)


@pytest.fixture(scope="session")
def asked(pytestconfig: pytest.Config) -> Asked:
    """The model with its answers to the hold-out, loaded once."""
    named = {
        name: pytestconfig.getoption(f"--{option}")
        for name, option in {
            "version": "model-version",
            "alias": "alias",
            "models_dir": "models-dir",
            "data": "data",
        }.items()
    }
    try:
        return subject(pytestconfig.getoption("--task"), **named).asked
    except RookeryError as error:
        pytest.fail(failure(error), pytrace=False)
