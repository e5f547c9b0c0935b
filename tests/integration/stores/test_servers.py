"""What only a database server does: ending a connection, refusing to write for a reader."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from tests import databases

from rookery.errors import InputError, Unavailable
from rookery.stores.column_types import frame_types
from rookery.stores.database import answering, connect
from rookery.stores.ledger import Ledger, pending
from rookery.stores.locks import take

ROWS = pd.DataFrame({"x": [1.5, 2.5]})


@pytest.fixture(params=list(databases.SERVERS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with databases.database(request.param, tmp_path) as address:
        yield address


def end_connections(address: str) -> None:
    """All those to this database, as a server that restarts does."""
    engine = connect(address)
    kind = "mysql" if engine.dialect.name == "mysql" else "postgres"
    with connect(databases.SERVERS[kind]).connect() as connection:
        if kind == "postgres":
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"
                ),
                {"n": engine.url.database},
            )
            return
        query = sa.text("SELECT id FROM information_schema.processlist WHERE db = :n")
        for (number,) in connection.execute(query, {"n": engine.url.database}).all():
            connection.exec_driver_sql(f"KILL {number}")


def replace(tables, shop, rows: pd.DataFrame) -> None:
    with tables.replacing({"shop_raw": frame_types(rows)}, shop) as new:
        new.append("shop_raw", rows)


def test_a_job_that_lost_its_connections_adds_nothing_to_the_tables_of_the_next_one(
    tables, shop, database
):
    def overtaken() -> None:
        with tables.replacing({"shop_raw": frame_types(ROWS)}, shop) as new:
            new.append("shop_raw", ROWS)
            end_connections(database)
            wait_for_lock(tables)
            replace(tables, shop, ROWS.head(1))
            new.append("shop_raw", ROWS)

    with pytest.raises(Unavailable, match="shop_raw__new"):
        overtaken()
    assert databases.tables(database) == {"shop_raw": 1}


def test_a_statement_on_an_ended_connection_is_one_clear_error(tables, database):
    with pytest.raises(Unavailable, match=r"the database at .*:\*\*\*@.* failed: .+"):
        list(_read_while_ending(tables, database))


def _read_while_ending(tables, database):
    with answering(tables.engine), tables.engine.connect() as connection:
        yield connection.execute(sa.text("SELECT 1")).scalar_one()
        end_connections(database)
        yield connection.execute(sa.text("SELECT 1")).scalar_one()


def test_a_lock_ends_with_the_connection_of_its_holder(tables, database):
    release = take(tables.engine, "shop")
    assert release is not None
    assert take(tables.engine, "shop") is None
    end_connections(database)
    wait_for_lock(tables)


def wait_for_lock(tables) -> None:
    """The server may still be ending the connection."""
    while (release := take(tables.engine, "shop")) is None:
        pass
    release()


def test_an_attempt_whose_holder_is_gone_is_known_as_abandoned(database):
    ledger = Ledger(database)
    ledger.begin("penguins", None, "promotion")
    entry = pending(ledger.entries("penguins"))
    assert not Ledger(database).abandoned(entry)
    end_connections(database)
    while not Ledger(database).abandoned(entry):
        pass


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM shop_raw", "DROP TABLE shop_raw", "SELECT 1 AS x; DROP TABLE shop_raw"],
)
def test_a_source_is_only_read(tables, shop, opened, database, query):
    with tables.replacing({"shop_raw": frame_types(ROWS)}, shop) as new:
        new.append("shop_raw", ROWS)
    with pytest.raises(InputError, match="the query"):
        opened(sql={"query": query}, url=database)
    assert databases.tables(database) == {"shop_raw": 2}


def test_a_query_keeps_whole_numbers_with_gaps_decimals_and_times(opened, tables, shop, database):
    rows = pd.DataFrame({"n": pd.array([2**53 + 1, None], dtype="Int64"), "x": [0.1, None]})
    with tables.replacing({"shop_raw": frame_types(rows)}, shop) as new:
        new.append("shop_raw", rows)
    query = (
        "SELECT n, x, CAST(1.10 AS DECIMAL(4, 2)) AS exact, CAST('2020-01-02' AS DATE) AS day "
        "FROM shop_raw"
    )
    (found,) = opened(sql={"query": query}, url=database).chunks()
    assert found["n"].tolist() == [2**53 + 1, pd.NA]
    assert found["x"].tolist()[0] == 0.1
    assert found["exact"].tolist() == ["1.10", "1.10"]
    assert pd.to_datetime(found["day"]).tolist() == [pd.Timestamp("2020-01-02")] * 2
