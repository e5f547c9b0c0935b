"""The tables that the API writes, made before it starts."""

from itertools import islice
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from tests import databases

from rookery.stack import tables as stack_tables
from rookery.stores.database import connect
from rookery.stores.predictions import PREDICTIONS

NAMES = ["feedback", "predictions", "promotions"]


@pytest.fixture
def granting_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of the API belongs to a server, not to a test's database."""
    monkeypatch.setattr(stack_tables, "RIGHTS", {})


def test_the_tables_are_made_once_and_each_step_is_said(database, granting_nothing):
    first = list(stack_tables.set_up(database))
    assert [f"table {name}: made" in first for name in NAMES] == [True] * 3
    before = databases.contents(database)
    again = list(stack_tables.set_up(database))
    assert [f"table {name}: is there" in again for name in NAMES] == [True] * 3
    assert databases.contents(database) == before


def test_a_prediction_sent_twice_is_known_by_its_id(database):
    list(islice(stack_tables.set_up(database), len(NAMES)))
    row = {
        "id": str(uuid4()),
        "at": sa.func.current_timestamp(),
        "model": "penguins",
        "version": "1",
        "input": '{"größe": 1.0}',
        "output": '{"prediction": "🐧"}',
        "latency_seconds": 0.001,
    }
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(sa.insert(PREDICTIONS).values(row))
        stored = connection.execute(sa.select(PREDICTIONS)).mappings().one()
        assert (stored["input"], stored["output"]) == (row["input"], row["output"])
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(sa.insert(PREDICTIONS).values(row))
