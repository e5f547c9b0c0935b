"""Files, databases and a task, each made for one test."""

import sqlite3
from pathlib import Path

import pytest

from rookery.core.task import Source, Task
from rookery.stores.batches import Batch
from rookery.stores.sources import open_source
from rookery.stores.tables import Tables


@pytest.fixture
def opened(tmp_path: Path):
    """Opens a source whose paths start at the test's folder."""

    def opening(url: str | None = None, **source: object) -> Batch:
        return open_source(Source.model_validate(source), tmp_path, url, tmp_path / "cache")

    return opening


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The address of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'home' / 'tables.db'}"


@pytest.fixture
def tables(database: str) -> Tables:
    return Tables(database)


@pytest.fixture
def content(database: str):
    """Everything in the database as SQL text: tables, rows, views."""

    def read() -> list[str]:
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            return list(connection.iterdump())

    return read


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
