"""Sources, each a real file or a real database."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rookery.core.sections import Source
from rookery.errors import InputError, Unavailable
from rookery.stores.batches import Batch
from rookery.stores.sources import open_source


@pytest.fixture
def opened(tmp_path: Path):
    """Opens a source whose paths start at the test's folder."""

    def opening(url: str | None = None, **source: object) -> Batch:
        return open_source(Source.model_validate(source), tmp_path, url, tmp_path / "cache")

    return opening


@pytest.fixture
def read_csv(tmp_path: Path, opened):
    """Writes bytes as a CSV file and reads it to its end."""

    def reading(content: bytes, **source: object) -> pd.DataFrame:
        (tmp_path / "x.csv").write_bytes(content)
        return pd.concat(opened(csv="x.csv", **source).chunks())

    return reading


def test_the_package_gives_the_344_penguins(opened):
    batch = opened(package="palmerpenguins")
    assert sum(len(part) for part in batch.chunks()) == 344
    assert batch.columns[:2] == ["species", "island"]
    assert batch.id == opened(package="palmerpenguins").id


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("a,b\n1,ñ\n".encode(), {}),
        (b"\xef\xbb\xbf" + "a,b\n1,ñ\n".encode(), {}),
        ("a,b\r\n1,ñ\r\n".encode(), {"encoding": "UTF8"}),
        ("a;b\n1;ñ\n".encode(), {"separator": ";"}),
        ("a\tb\n1\tñ\n".encode(), {"separator": "\t"}),
        ("a,b\n1,ñ\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("a,b\n1,ñ\n".encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_a_csv_file_is_read_in_the_encoding_and_with_the_separator_of_the_task(
    read_csv, content, source
):
    assert read_csv(content, **source).to_dict("list") == {"a": ["1"], "b": ["ñ"]}


def test_every_cell_of_a_csv_file_stays_as_the_file_has_it(read_csv):
    rows = read_csv(b'a,b\n007,NA\n"1,5"," two\nlines"\n,nan\n')
    assert rows["a"].tolist() == ["007", "1,5", ""]
    assert rows["b"].tolist() == ["NA", " two\nlines", "nan"]


def test_the_same_bytes_read_in_another_way_are_another_batch(tmp_path, opened):
    (tmp_path / "x.csv").write_bytes("a;b\n1;ñ\n".encode("latin-1"))
    ids = {
        opened(csv="x.csv", encoding=encoding, separator=separator).id
        for encoding in ("latin-1", "cp1252")
        for separator in (";", "|")
    }
    assert len(ids) == 4
    again = opened(csv="x.csv", encoding="latin-1", separator=";").id
    assert again in ids


LATE = b"a,b\n" + b"1,x\n" * 300_000


@pytest.mark.parametrize(
    ("content", "source", "named"),
    [
        pytest.param(b"", {}, "is empty", id="empty"),
        pytest.param(b"\n\n\n", {}, "No columns", id="blank lines"),
        pytest.param("a,b\n1,ñ\n".encode("latin-1"), {}, "not utf-8 text: byte 0xf1", id="latin-1"),
        pytest.param(LATE + b"1,\xf1\n", {}, "not utf-8 text: byte 0xf1", id="late byte"),
        pytest.param("a,b\n1,ñ\n".encode("utf-16"), {}, "a binary file", id="utf-16"),
        pytest.param(b"a,b\n1,2\n", {"encoding": "klingon"}, "'klingon'", id="no such encoding"),
        pytest.param(b"a,b\n1,2\n1,2,3\n", {}, "line 3", id="a row too long"),
        pytest.param(b"a,b\n1,2,3\n4,5,6\n", {}, "loss of data", id="all rows too long"),
        pytest.param(b'a,b\n1,"x\n2,y\n', {}, "EOF inside string", id="open quote"),
        pytest.param(b"a,b\n1,\x002\n", {}, "a binary file", id="zero byte"),
        pytest.param(LATE + b"1,\x002\n", {}, "a binary file", id="late zero byte"),
        pytest.param(b"PAR1\x15\x04", {}, "a Parquet file", id="parquet"),
        pytest.param(b"PK\x03\x04\x14", {}, "a zip archive", id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n", {}, "a picture", id="picture"),
        pytest.param(b"\x1f\x8b\x08\x00", {}, "a gzip file", id="gzip"),
        pytest.param(b"%PDF-1.7\n", {}, "a PDF", id="pdf"),
        pytest.param(b"SQLite format 3\x00", {}, "a SQLite database", id="database"),
    ],
)
def test_a_csv_file_that_is_not_what_its_name_says_is_refused_by_name(
    read_csv, content, source, named
):
    with pytest.raises(InputError) as caught:
        read_csv(content, **source)
    assert named in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.allowed
    if "encoding" not in source:
        assert "x.csv" in caught.value.message


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (b"a,a\n1,2\n", ["a", "a"]),
        (b"a,b,a\n1,2,3\n", ["a", "b", "a"]),
        (b"a,\n1,2\n", ["a", ""]),
        (b"1,2\n3,4\n", ["1", "2"]),
        (b'" a ",b\n1,2\n', [" a ", "b"]),
    ],
)
def test_the_names_of_columns_are_those_of_the_header(tmp_path, opened, header, columns):
    (tmp_path / "x.csv").write_bytes(header)
    assert opened(csv="x.csv").columns == columns


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_a_file_that_is_not_there_is_named(opened, tmp_path, path):
    with pytest.raises(InputError) as caught:
        opened(csv=path)
    assert str(tmp_path / path) in caught.value.message
    assert "--from" in caught.value.next


def test_parquet_keeps_types_and_gaps(tmp_path, opened):
    table = pa.table(
        {
            "whole": pa.array([1, None, 2**53]),
            "small": pa.array([1, None, 3], pa.int8()),
            "share": pa.array([0.5, None, 1.5]),
            "flag": pa.array([True, None, False]),
            "word": pa.array(["a", None, "ñ"]),
            "kind": pa.array(["x", None, "y"]).dictionary_encode(),
            "day": pa.array([18262, None, 18263], pa.date32()),
            "exact": pa.array([Decimal("1.10"), None, Decimal("2.20")]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    (rows,) = opened(parquet="x.parquet").chunks()
    assert str(rows["whole"].dtype) == "Int64"
    assert rows["whole"].tolist() == [1, pd.NA, 2**53]
    assert rows["small"].dropna().tolist() == [1, 3]
    assert rows["flag"].dropna().tolist() == [True, False]
    assert rows["day"].dropna().tolist() == [pd.Timestamp(2020, 1, 1), pd.Timestamp(2020, 1, 2)]
    assert rows["exact"].dropna().tolist() == ["1.10", "2.20"]
    assert rows["word"].dropna().tolist() == ["a", "ñ"]
    assert rows["kind"].dropna().tolist() == ["x", "y"]
    assert (rows.isna().sum() == 1).all()


def test_a_csv_file_named_parquet_is_refused(tmp_path, opened):
    (tmp_path / "x.parquet").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.parquet is not a Parquet file"):
        opened(parquet="x.parquet")


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_parquet_file_is_refused(tmp_path, opened, kept):
    pd.DataFrame({"a": np.arange(10_000)}).to_parquet(tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"x\.parquet is not a Parquet file"):
        opened(parquet="x.parquet")


def test_a_parquet_file_with_a_damaged_middle_is_refused_while_it_is_read(tmp_path, opened):
    pd.DataFrame({"a": np.arange(10_000)}).to_parquet(tmp_path / "x.parquet")
    damaged = bytearray((tmp_path / "x.parquet").read_bytes())
    damaged[4:400] = bytes(396)
    (tmp_path / "x.parquet").write_bytes(damaged)
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(opened(parquet="x.parquet").chunks())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([[1], [2]]), "list"),
        (pa.array([{"a": 1}, {"a": 2}]), "struct"),
        (pa.array([b"\xff", b"\xfe"]), "binary"),
        (pa.array([1, 2], pa.duration("s")), "duration"),
    ],
)
def test_a_parquet_column_that_no_table_can_hold_is_named(tmp_path, opened, values, kind):
    pq.write_table(pa.table({"fine": [1, 2], "odd one": values}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=f"odd one: {kind}"):
        opened(parquet="x.parquet")


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
