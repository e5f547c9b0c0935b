"""What only MySQL has: accounts with rights on single tables, locks of open transactions."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from tests import databases

from rookery.errors import InputError, Unavailable
from rookery.stack import tables as stack_tables
from rookery.stores.column_types import frame_types
from rookery.stores.database import connect
from rookery.stores.ledger import Ledger
from rookery.stores.predictions import FEEDBACK

NAMES = {"feedback", "predictions", "promotions"}
ROWS = pd.DataFrame({"x": [1.5, 2.5]})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    with databases.database("mysql", tmp_path) as address:
        yield address


@pytest.fixture
def account(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account that may do nothing yet."""
    name = f"api_{uuid4().hex[:8]}"
    monkeypatch.setattr(stack_tables, "API_ACCOUNT", name)
    engine = connect(database)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE USER {name}@'%' IDENTIFIED BY 'secret'"))
    address = engine.url.set(username=name, password="secret")
    yield address.render_as_string(hide_password=False)
    connect(address.render_as_string(hide_password=False)).dispose()
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP USER {name}@'%'"))


def refusal(address: str, statement: str) -> str:
    with closing(connect(address).connect()) as connection:
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            return str(error.orig)
    return "was done"


def test_the_api_adds_rows_and_reads_and_does_nothing_else(database, account):
    list(stack_tables.set_up(database))
    ledger = Ledger(database)
    ledger.record("penguins", None, "1", "done", "first")
    with connect(database).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE penguins_raw (x INT)")
    with connect(account).begin() as connection:
        connection.execute(
            sa.insert(FEEDBACK).values(prediction_id="x", outcome='"y"', at=sa.func.now(), who="z")
        )
        assert connection.execute(sa.select(FEEDBACK.c.outcome)).scalar_one() == '"y"'
    assert [entry.to_version for entry in Ledger(account).entries("penguins")] == ["1"]
    for statement in (
        "SELECT * FROM penguins_raw",
        "INSERT INTO promotions (task) VALUES ('x')",
        "UPDATE predictions SET model = 'x'",
        "DELETE FROM feedback",
        "DROP TABLE predictions",
        "CREATE TABLE mine (x INT)",
    ):
        assert "denied" in refusal(account, statement), statement
    with pytest.raises(Unavailable, match="denied"):
        Ledger(account).record("penguins", None, "2", "done", "mine")


def test_a_missing_account_is_an_error_and_the_tables_are_there(database, monkeypatch):
    monkeypatch.setattr(stack_tables, "API_ACCOUNT", "nobody_there")
    with pytest.raises(Unavailable, match="not allowed to create a user with GRANT"):
        list(stack_tables.set_up(database))
    assert databases.names(database) == NAMES


def test_a_table_that_a_forgotten_transaction_holds_is_an_error_that_says_so(
    tables, shop, database, monkeypatch
):
    with tables.replacing({"shop_raw": frame_types(ROWS)}, shop) as new:
        new.append("shop_raw", ROWS)

    @sa.event.listens_for(tables.engine, "connect")
    def impatient(connection, _record) -> None:
        connection.query("SET SESSION lock_wait_timeout = 1")

    tables.engine.dispose()
    with connect(database, reading=True).connect() as notebook:
        notebook.execute(sa.text("SELECT * FROM shop_raw")).all()

        def replace() -> None:
            with tables.replacing({"shop_raw": frame_types(ROWS)}, shop) as new:
                new.append("shop_raw", ROWS.head(1))

        with pytest.raises(Unavailable, match="an open notebook or a backup, has not ended"):
            replace()
        assert tables.count("shop_raw") == 2
    replace()
    assert databases.tables(database) == {"shop_raw": 1}


def test_a_row_larger_than_the_server_takes_is_refused_by_its_size(tables, shop, database):
    rows = pd.DataFrame({"t": ["x", "y" * (64 * 2**20)]})

    def write() -> None:
        with tables.replacing({"shop_raw": frame_types(rows)}, shop) as new:
            new.append("shop_raw", rows)

    with pytest.raises(InputError, match="max_allowed_packet"):
        write()
    assert databases.tables(database) == {}
