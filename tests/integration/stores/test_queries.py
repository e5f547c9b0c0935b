"""SQL queries on somebody else's database, which is only read."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from rookery.errors import InputError, Unavailable


@pytest.fixture
def birds(tmp_path: Path) -> str:
    """The address of a SQLite database with a table of odd names."""
    path = tmp_path / "birds.db"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "birds of prey" (wing REAL, "50%" TEXT, n INTEGER)')
        rows = [(1.5, "at 12:30", 1), (2.5, "ñ", 2), (None, None, 3)]
        connection.executemany('INSERT INTO "birds of prey" VALUES (?, ?, ?)', rows)
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * FROM "birds of prey"',
        """SELECT wing, "50%", n FROM "birds of prey" WHERE ' :x' LIKE '%:x'""",
    ],
)
def test_a_query_gives_its_rows_as_it_is_written(opened, birds, query):
    batch = opened(sql={"query": query}, url=birds)
    (rows,) = batch.chunks()
    assert batch.columns == ["wing", "50%", "n"]
    assert rows["wing"].dropna().tolist() == [1.5, 2.5]
    assert rows["50%"].dropna().tolist() == ["at 12:30", "ñ"]
    assert rows["n"].tolist() == [1, 2, 3]


def test_the_batch_of_a_query_is_named_by_its_rows(opened, birds):
    first = opened(sql={"query": 'SELECT * FROM "birds of prey"'}, url=birds)
    same = opened(sql={"query": 'SELECT * FROM "birds of prey" ORDER BY n DESC'}, url=birds)
    fewer = opened(sql={"query": 'SELECT * FROM "birds of prey" WHERE n < 3'}, url=birds)
    assert first.id == same.id != fewer.id


def test_values_of_several_kinds_in_one_column_become_text(opened, birds):
    query = "SELECT 1 AS mixed UNION ALL SELECT 'x' UNION ALL SELECT NULL"
    (rows,) = opened(sql={"query": query}, url=birds).chunks()
    assert sorted(rows["mixed"].dropna()) == ["1", "x"]
    assert rows["mixed"].isna().sum() == 1


def test_whole_numbers_with_gaps_stay_whole(opened, birds):
    query = f"SELECT {2**53 + 1} AS n UNION ALL SELECT NULL"
    (rows,) = opened(sql={"query": query}, url=birds).chunks()
    assert sorted(rows["n"].dropna()) == [2**53 + 1]


def test_a_column_whose_kind_changes_later_has_one_kind_from_its_start(opened, birds, monkeypatch):
    monkeypatch.setattr("rookery.stores.queries.CHUNK", 1)
    query = """
        SELECT NULL AS late, 1 AS broken, 1 AS odd, NULL AS never
        UNION ALL SELECT 7, 2.5, 'x', NULL
        UNION ALL SELECT NULL, NULL, 1.5, NULL"""
    chunks = list(opened(sql={"query": query}, url=birds).chunks())
    assert len({tuple(map(str, chunk.dtypes)) for chunk in chunks}) == 1
    rows = pd.concat(chunks, ignore_index=True)
    assert rows["late"].tolist() == [pd.NA, 7, pd.NA]
    assert rows["broken"].dropna().tolist() == [1.0, 2.5]
    assert rows["odd"].tolist() == ["1", "x", "1.5"]
    assert rows["never"].isna().all()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEKT 1", "syntax error"),
        ('DROP TABLE "birds of prey"', "readonly"),
        ('DELETE FROM "birds of prey"', "readonly"),
        ('SELECT 1 AS x; DROP TABLE "birds of prey"', "one statement"),
        ("SELECT 1 AS a, 2 AS a", "a column name twice"),
        ("PRAGMA query_only = OFF", "no rows"),
    ],
)
def test_a_query_that_is_no_single_select_is_refused_and_changes_nothing(
    opened, birds, query, named
):
    path = Path(birds.removeprefix("sqlite:///"))
    before = path.read_bytes()
    with pytest.raises(InputError) as caught:
        opened(sql={"query": query}, url=birds)
    assert named in caught.value.message
    assert caught.value.value == query
    assert path.read_bytes() == before


def test_reading_a_database_leaves_its_file_as_it_was(opened, birds, tmp_path):
    path = Path(birds.removeprefix("sqlite:///"))
    before = path.read_bytes()
    list(opened(sql={"query": 'SELECT * FROM "birds of prey"'}, url=birds).chunks())
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["birds.db", "cache"]
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_database_file_that_is_not_there_is_named_and_not_made(opened, tmp_path):
    with pytest.raises(InputError, match=r"no SQLite file .*nowhere\.db"):
        opened(sql={"query": "SELECT 1"}, url=f"sqlite:///{tmp_path}/deep/nowhere.db")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("nonsense", "not a database address"),
        ("postgresql://u:pa:secret@h:5x/db", "not a database address"),
        ("mysql://u:secret@h:33o6/db", "not a database address"),
        ("klingon://u:secret@host/db", "'klingon'"),
        (None, "no address is given"),
    ],
)
def test_a_wrong_database_address_is_refused_without_its_password(opened, url, named):
    with pytest.raises(InputError) as caught:
        opened(sql={"query": "SELECT 1"}, url=url)
    assert named in caught.value.message
    assert caught.value.field == "SOURCE_DATABASE_URL"
    assert "secret" not in str(caught.value.as_dict())


def test_a_file_that_is_no_database_is_refused(opened, tmp_path):
    (tmp_path / "x.db").write_bytes(b"a,b\n1,2\n" * 200)
    with pytest.raises((InputError, Unavailable), match="not a database"):
        opened(sql={"query": "SELECT * FROM a"}, url=f"sqlite:///{tmp_path}/x.db")
