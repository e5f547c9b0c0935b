"""Files, databases and a task, each made for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import databases

from rookery.core.task import Source, Task
from rookery.stores.batches import Batch
from rookery.stores.sources import open_source
from rookery.stores.tables import Tables

# tests that need a server are not there without one
collect_ignore = [
    *([] if databases.SERVERS else ["test_servers.py"]),
    *([] if "mysql" in databases.SERVERS else ["test_mysql.py"]),
]


@pytest.fixture
def opened(tmp_path: Path):
    """Opens a source whose paths start at the test's folder."""

    def opening(url: str | None = None, **source: object) -> Batch:
        return open_source(Source.model_validate(source), tmp_path, url, tmp_path / "cache")

    return opening


@pytest.fixture(params=databases.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, of each kind there is."""
    with databases.database(request.param, tmp_path / "home" / "tables.db") as address:
        yield address


@pytest.fixture
def tables(database: str) -> Tables:
    return Tables(database)


@pytest.fixture
def content(database: str):
    """Everything in the database as SQL text: tables, rows, views."""
    return lambda: databases.contents(database)


@pytest.fixture(scope="session")
def shop() -> Task:
    return Task.model_validate(
        {
            "name": "shop",
            "source": {"csv": "shop.csv"},
            "columns": {
                "price": {"type": "float"},
                "colour": {"type": "category", "values": ["red", "50% blue"]},
                "sold": {"type": "boolean", "required": True},
                "when": {"type": "date"},
            },
            "target": "sold",
            "metric": "accuracy",
            "candidates": {"decision_tree": {}},
        }
    )
