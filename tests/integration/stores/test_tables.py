"""Tables in a real database: replaced whole or not at all."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from rookery.core.onehot import onehot
from rookery.errors import InputError, Unavailable
from rookery.stores.column_types import REJECTED_TYPES, clean_types, frame_types
from rookery.stores.database import answering, connect
from rookery.stores.locks import take
from rookery.stores.sql_types import MOMENT

ROWS = pd.DataFrame(
    {
        "price": [1.5, None, -0.0],
        "colour": ["red", "50% blue", None],
        "sold": [True, False, True],
        "when": pd.to_datetime(["2020-01-02 00:00:00", None, "2020-01-03 04:05:06"]),
    }
)


@pytest.fixture
def filled(tables, shop):
    """The database with three clean rows and one refused."""
    with tables.replacing(
        {"shop_clean": clean_types(shop), "shop_rejected": REJECTED_TYPES}, shop
    ) as new:
        new.append("shop_clean", ROWS)
        new.append(
            "shop_rejected", pd.DataFrame({"row": ["{}"], "reasons": ["x"], "batch_id": ["b"]})
        )
    return tables


def names(tables) -> list[str]:
    inspector = sa.inspect(tables.engine)
    return sorted([*inspector.get_table_names(), *inspector.get_view_names()])


def test_what_was_appended_is_there_in_order(filled):
    assert names(filled) == ["shop_clean", "shop_onehot", "shop_rejected"]
    assert filled.count("shop_clean") == 3
    rows = filled.read("shop_clean")
    assert rows["price"].tolist()[0] == 1.5
    assert rows["price"].isna().tolist() == [False, True, False]
    assert rows["colour"].tolist()[:2] == ["red", "50% blue"]
    assert rows["sold"].tolist() == [1, 0, 1]
    assert pd.to_datetime(rows["when"]).tolist()[0] == pd.Timestamp("2020-01-02")


def test_chunks_together_are_the_table_with_one_index(filled):
    parts = list(filled.chunks("shop_clean", size=2))
    assert [len(part) for part in parts] == [2, 1]
    assert pd.concat(parts).index.tolist() == [0, 1, 2]


def test_a_table_that_is_not_there_is_named_with_the_command_that_makes_it(tables):
    assert tables.count("shop_clean") is None
    assert tables.columns("shop_clean") is None
    assert tables.batches("shop_raw") == {}
    with pytest.raises(InputError, match="shop_clean") as caught:
        tables.read("shop_clean")
    assert caught.value.next == "rookery clean shop"


def test_whoever_reads_while_tables_are_replaced_and_dropped_finds_whole_ones_or_none(filled, shop):
    schemas = {"shop_raw": frame_types(ROWS[["price"]].assign(batch_id="b"))}
    clean = {"shop_clean": clean_types(shop), "shop_rejected": REJECTED_TYPES}

    def replace() -> None:
        for _ in range(40):
            with filled.replacing(schemas, shop, outdated=list(clean)) as new:
                new.append("shop_raw", ROWS[["price"]].assign(batch_id="b"))
            with filled.replacing(clean, shop) as new:
                new.append("shop_clean", ROWS)

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(replace)
        while not writing.done():
            assert filled.columns("shop_raw") in (None, ["price", "batch_id"])
            assert filled.batches("shop_raw") in ({}, {"b": 3})
            assert filled.columns("shop_clean") in (None, list(ROWS))
            assert filled.count("shop_clean") in (None, 3)
            assert filled.count("shop_rejected") in (None, 0, 1)
        writing.result()
    assert names(filled) == ["shop_clean", "shop_onehot", "shop_raw", "shop_rejected"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_the_middle_leaves_the_old_tables_and_no_others(
    filled, shop, content, error
):
    before = content()
    schemas = {"shop_clean": clean_types(shop), "shop_rejected": REJECTED_TYPES}

    def interrupted() -> None:
        with filled.replacing(schemas, shop) as new:
            new.append("shop_clean", ROWS.head(1))
            raise error("in the middle")

    with pytest.raises(error, match="in the middle"):
        interrupted()
    assert content() == before


def test_a_swap_that_fails_in_the_middle_leaves_all_old_tables(filled, shop, content):
    before = content()
    schemas = {"shop_clean": clean_types(shop), "shop_rejected": REJECTED_TYPES}

    def robbed() -> None:
        """Its second table vanishes before the swap, which has moved the first by then."""
        with filled.replacing(schemas, shop) as new:
            new.append("shop_clean", ROWS.head(1))
            (gone,) = [name for name in names(filled) if name.startswith("shop_rejected__")]
            with filled.engine.execution_options(writes=True).begin() as connection:
                connection.exec_driver_sql(f"DROP TABLE {gone}")

    with pytest.raises(Unavailable, match="shop_rejected__new"):
        robbed()
    assert content() == before


def test_readers_see_the_old_rows_until_the_new_ones_are_complete(filled, shop):
    schemas = {"shop_clean": clean_types(shop), "shop_rejected": REJECTED_TYPES}
    with filled.replacing(schemas, shop) as new:
        new.append("shop_clean", ROWS.head(1))
        assert filled.count("shop_clean") == 3
    assert filled.count("shop_clean") == 1
    assert filled.count("shop_rejected") == 0


def test_replacing_by_the_same_rows_leaves_the_same_database(filled, shop, content):
    before = content()
    with filled.replacing({"shop_clean": clean_types(shop)}, shop) as new:
        new.append("shop_clean", ROWS)
    assert sorted(content()) == sorted(before)


def test_what_a_dead_job_left_is_dropped_and_what_looks_like_it_is_kept(filled, shop):
    left = ["shop_raw__new0123ef", "shop_clean__new0123ef", "shop_clean__old"]
    kept = ["other_clean__new0123ef", "shop_clean__mine", "shop_clean__new"]
    with filled.engine.execution_options(writes=True).begin() as connection:
        for name in [*left, *kept]:
            connection.exec_driver_sql(f"CREATE TABLE {name} (x INTEGER)")
    with filled.replacing({"shop_clean": clean_types(shop)}, shop) as new:
        new.append("shop_clean", ROWS)
    assert names(filled) == sorted([*kept, "shop_clean", "shop_onehot", "shop_rejected"])


def test_a_second_writer_waits_for_the_first_and_gives_up_in_the_end(filled, shop, monkeypatch):
    monkeypatch.setattr("rookery.stores.tables.WAIT_SECONDS", 0.2)
    release = take(filled.engine, "shop")

    def second() -> None:
        with filled.replacing({"shop_clean": clean_types(shop)}, shop) as new:
            new.append("shop_clean", ROWS.head(1))

    with pytest.raises(Unavailable, match="another job has been writing shop"):
        second()
    assert filled.count("shop_clean") == 3
    release()
    second()
    assert filled.count("shop_clean") == 1


def test_a_view_of_the_users_own_is_kept(filled, shop):
    with filled.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("CREATE VIEW dear AS SELECT * FROM shop_clean WHERE price > 1")

    def double() -> None:
        with filled.replacing({"shop_clean": clean_types(shop)}, shop) as new:
            new.append("shop_clean", pd.concat([ROWS, ROWS]))

    if filled.engine.dialect.name == "postgresql":  # which does stop it, and says why
        with pytest.raises(Unavailable, match="view dear depends on table shop_clean"):
            double()
        assert names(filled) == ["dear", "shop_clean", "shop_onehot", "shop_rejected"]
    else:
        double()
    assert filled.count("dear") == (1 if filled.engine.dialect.name == "postgresql" else 2)


def test_the_view_shows_what_onehot_computes(filled, shop):
    rows = ROWS.dropna(subset=["price", "colour"])
    with filled.replacing({"shop_clean": clean_types(shop)}, shop) as new:
        new.append("shop_clean", rows)
    shown = filled.read("shop_onehot")
    expected = onehot(rows, shop).reset_index(drop=True)
    assert shown.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(
        shown.drop(columns="when"), expected.drop(columns="when"), check_dtype=False
    )
    assert shown["colour_50% blue"].tolist() == [0]
    assert shown["sold"].tolist() == [2]


def test_a_time_with_a_zone_is_stored_in_utc(tables, shop):
    when = pd.Series(pd.to_datetime(["2020-01-01T02:00:00+02:00"]))
    with tables.replacing({"shop_raw": {"when": MOMENT}}, shop) as new:
        new.append("shop_raw", pd.DataFrame({"when": when}))
    stored = pd.to_datetime(tables.read("shop_raw")["when"])
    assert stored.tolist() == [pd.Timestamp("2020-01-01")]


def test_types_follow_what_the_source_gave():
    frame = pd.DataFrame(
        {
            "flag": [True],
            "whole": [1],
            "share": [0.5],
            "word": ["x"],
            "day": [datetime(2020, 1, 1, tzinfo=UTC)],
            "gaps": pd.array([None], dtype="Int64"),
            "maybe": pd.array([None], dtype="boolean"),
        }
    )
    kinds = {name: type(kind).__name__ for name, kind in frame_types(frame).items()}
    assert kinds == {
        "flag": "SmallInteger",
        "whole": "BigInteger",
        "share": "Double",
        "word": "Text",
        "day": "DateTime",
        "gaps": "BigInteger",
        "maybe": "SmallInteger",
    }


def test_a_database_that_fails_is_named_without_its_password(tmp_path):
    engine = connect(f"sqlite:///{tmp_path}/x.db")
    with (
        pytest.raises(Unavailable, match=r"x\.db failed: no such table: nowhere") as caught,
        answering(engine),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert caught.value.field == "DATABASE_URL"


def test_a_locked_file_is_waited_for(tmp_path):
    database = f"sqlite:///{tmp_path / 'tables.db'}"
    connect(database).connect().close()
    other = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    program = """
import sys
from rookery.stores.tables import Tables
tables = Tables(sys.argv[1])
print("waits", flush=True)
with tables.engine.execution_options(writes=True).begin() as connection:
    connection.exec_driver_sql("CREATE TABLE waited (x)")
"""
    writer = subprocess.Popen([sys.executable, "-c", program, database], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"waits\n"
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == []
    other.execute("COMMIT")
    assert writer.wait(60) == 0
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("waited",)]
    other.close()
