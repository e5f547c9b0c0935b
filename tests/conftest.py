"""A project of its own for every test session: real SQLite, real MLflow, real files."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from ruamel.yaml import YAML
from tests import databases

# threads that spin while others work make a millisecond of boosting last for seconds
os.environ.setdefault("OMP_NUM_THREADS", "1")
# worker processes import everything first, for fits of milliseconds; who tests them asks for some
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")

import rookery as rk
from rookery.settings import get_settings
from rookery.stores.ledger import Ledger

TASKS = Path(__file__).parents[1] / "tasks"
# one of each kind: linear, forest, single tree, and one that is plainly worse
FEW = {
    "logistic_regression": {"fixed": {"max_iter": 5000}, "sets": [{"C": 1.0}]},
    "random_forest": {"fixed": {"random_state": 42}, "sets": [{"n_estimators": 10}]},
    "decision_tree": {"fixed": {"random_state": 42}, "sets": [{"max_depth": 3}, {"max_depth": 2}]},
}


def write_task(folder: Path, **changes: object) -> Path:
    """`tasks/penguins.yaml` with few candidates, no checks of its columns and some keys changed."""
    yaml = YAML()
    task = yaml.load(TASKS / "penguins.yaml") | {"candidates": FEW, "checks": {}} | changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task['name']}.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(task, file)
    return path


@pytest.fixture(scope="session")
def promoted_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`ROOKERY_HOME` after ingest, clean, sweep and promote, once per session.

    For tests that only read; one that writes asks for `home_copy`.
    """
    place = tmp_path_factory.mktemp("promoted")
    write_task(place / "tasks")
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        rk.ingest("penguins")
        rk.clean("penguins")
        rk.sweep("penguins", cross_validate=False)
        rk.promote("penguins")
    get_settings.cache_clear()
    yield place / "home"
    get_settings.cache_clear()


@pytest.fixture
def home(promoted_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The session's promoted project, with the environment pointing at it."""
    point_at(monkeypatch, promoted_home.parent)
    return promoted_home


@pytest.fixture
def home_copy(promoted_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A promoted project that a test may change."""
    copy_project(promoted_home.parent, tmp_path / "copy")
    point_at(monkeypatch, tmp_path / "copy")
    return tmp_path / "copy" / "home"


@pytest.fixture(params=databases.KINDS)
def home_on_each_database(
    request: pytest.FixtureRequest,
    promoted_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A `home_copy` whose tables are in a database of each kind there is."""
    copy_project(promoted_home.parent, tmp_path / "copy")
    point_at(monkeypatch, tmp_path / "copy")
    home = tmp_path / "copy" / "home"
    with databases.database(request.param, home / "tables.db") as address:
        if request.param != "sqlite":
            entries = Ledger(get_settings().tables_url).entries("penguins")
            monkeypatch.setenv("DATABASE_URL", address)
            get_settings.cache_clear()
            rk.ingest("penguins")
            rk.clean("penguins")
            for one in entries:
                words = (one.outcome, one.reason, one.metrics)
                Ledger(address).record(one.task, one.from_version, one.to_version, *words)
        yield home


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which nothing was done yet."""
    write_task(tmp_path / "tasks")
    point_at(monkeypatch, tmp_path)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """No test reads the settings of the one before it."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def copy_project(source: Path, target: Path) -> None:
    """A project at another place, with MLflow's addresses pointing there."""
    copytree(source, target, dirs_exist_ok=True)
    with closing(sqlite3.connect(target / "home" / "mlflow.db")) as database, database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                if "CHAR" in kind or "TEXT" in kind:
                    database.execute(
                        f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) '
                        f'WHERE instr("{column}", ?)',
                        (f"{source}/", f"{target}/", f"{source}/"),
                    )


def point_at(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Makes `place/home` and `place/tasks` the project of this process."""
    for name in (
        "DATABASE_URL",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_URL",
        "MODEL_NAMES",
        "MODEL_NAME",
        "MODEL_ALIAS",
        "EXPERIMENT_NAME",
        "ARTIFACTS_DESTINATION",
        "AZURE_STORAGE_CONNECTION_STRING",
        "PORT",
        "API_PORT",
        "API_URL",
        "API_KEY",
        "API_ADMIN_TOKEN",
        "API_STRICT",
    ):
        patch.delenv(name, raising=False)
    patch.setenv("ROOKERY_HOME", str(place / "home"))
    patch.setenv("ROOKERY_TASKS", str(place / "tasks"))
    patch.setenv("ROOKERY_TASK", "penguins")
    get_settings.cache_clear()
    # MLflow remembers by its id where a run's files are; a copy of a project has the same ids
    seen = sys.modules.get("mlflow.tracking._tracking_service.utils")
    if seen:
        seen._artifact_repos_cache.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The run ends by saying what it left out; the reasons stand above it."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"{skipped} skipped" if skipped else "nothing was skipped")
