"""Ingest: what arrives is in the raw table as it was; what cannot be read changes nothing."""

import sqlite3

import pandas as pd
import pytest

import rookery as rk
from rookery.errors import InputError
from rookery.settings import get_settings

GOOD = ("1.5,1,red,fine,good", "2.5,2,blue,,bad")


def raw(task: str = "shop") -> pd.DataFrame:
    return pd.read_sql(f"SELECT * FROM {task}_raw", rk.connect())


@pytest.fixture
def loaded(shop):
    """The shop with two rows ingested and cleaned."""
    shop.rows(*GOOD)
    rk.ingest("shop")
    rk.clean("shop")
    return shop


def test_the_penguins_of_the_package_arrive(empty_home):
    done = rk.ingest("penguins")
    assert (done.rows, done.unchanged, done.table) == (344, False, "penguins_raw")
    assert done.source == "package palmerpenguins"
    rows = raw("penguins")
    assert len(rows) == 344
    assert rows["sex"].isna().sum() == 11
    assert rows["batch_id"].unique().tolist() == [done.batch]


def test_a_file_arrives_as_it_is_with_the_marks_of_its_batch(loaded):
    rows = raw()
    assert rows["price"].tolist() == ["1.5", "2.5"]
    assert rows["note"].tolist() == ["fine", ""]
    assert list(rows.columns) == [
        "price",
        "pieces",
        "colour",
        "note",
        "sold",
        "batch_id",
        "ingested_at",
    ]


def test_the_same_ingest_twice_leaves_the_same_tables(loaded):
    before = loaded.contents()
    again = rk.ingest("shop")
    assert (again.unchanged, again.rows) == (True, 2)
    assert loaded.contents() == before


def test_a_changed_file_replaces_the_rows(loaded):
    loaded.rows("9.5,1,red,new,good")
    done = rk.ingest("shop")
    assert (done.unchanged, done.rows) == (False, 1)
    assert raw()["price"].tolist() == ["9.5"]


def test_a_corrected_encoding_reads_the_same_file_again(loaded):
    loaded.csv.write_bytes("price,pieces,colour,note,sold\n1,1,red,5 €,good\n".encode("cp1252"))
    loaded.task(source={"csv": str(loaded.csv), "encoding": "latin-1"})
    rk.ingest("shop")
    assert raw()["note"].tolist() == ["5 \x80"]
    loaded.task(source={"csv": str(loaded.csv), "encoding": "cp1252"})
    assert not rk.ingest("shop").unchanged
    assert raw()["note"].tolist() == ["5 €"]


HEAD = b"price,pieces,colour,note,sold\n"
WIDE = ",".join(f"c{n}" for n in range(200)).encode() + b"\n" + b",".join([b"1"] * 200) + b"\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(b"", "is empty", id="empty file"),
        pytest.param(HEAD, "has no rows", id="header only"),
        pytest.param(b"\n \n", "holds nothing but blank lines", id="blank lines"),
        pytest.param(
            b"price,pieces,colour,note\n1,1,red,x\n", "lacks the columns sold", id="missing column"
        ),
        pytest.param(
            b"price,pieces,colour,note,sold,extra\n1,1,red,x,good,1\n", "extra", id="extra column"
        ),
        pytest.param(
            b"price,pieces,colour,note,sold,price\n1,1,red,x,good,1\n",
            "more than one column price",
            id="column twice",
        ),
        pytest.param(
            b"price,pieces,colour,note,sold,\n1,1,red,x,good,1\n",
            "does not name",
            id="column without a name",
        ),
        pytest.param(
            b'price,pieces,colour,note,"sold""; DROP TABLE shop_raw; --"\n1,1,red,x,y\n',
            "DROP TABLE",
            id="SQL as a column",
        ),
        pytest.param(WIDE, "c0, c1, c2, c3, c4, c5 and 194 more", id="200 columns"),
        pytest.param(HEAD + b"1,1,red,x,good,too,much\n", "not a readable CSV", id="row too long"),
        pytest.param(
            HEAD + b"1,1,red,x,good\n" * 120_000 + b"1,1,red,x,good,much\n",
            "line 120002",
            id="late row too long",
        ),
        pytest.param(
            HEAD + b"1,1,red,x,good\n" * 120_000 + b"1,1,red,\xf1,good\n",
            "0xf1",
            id="late wrong encoding",
        ),
        pytest.param(HEAD + b"1,1,red,\x00,good\n", "a binary file", id="zero byte"),
        pytest.param(b"PK\x03\x04", "a zip archive", id="zip"),
        pytest.param(b"PAR1", "a Parquet file", id="parquet"),
    ],
)
def test_a_hostile_file_is_named_and_leaves_the_tables_as_they_were(loaded, content, named):
    before = loaded.contents()
    loaded.csv.write_bytes(content)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert named in caught.value.message
    assert caught.value.allowed
    assert loaded.contents() == before


@pytest.mark.parametrize("named", ["shop.tsv", "shop.csv", "shop.txt"])
def test_from_takes_a_file_instead_of_the_source_of_the_task(loaded, tmp_path, named):
    separator = "\t" if named.endswith("tsv") else ","
    row = "7.5,1,red,größe,good".replace(",", separator)
    header = HEAD.decode().replace(",", separator)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / named).write_text(f"\ufeff{header}{row}\n", encoding="utf-8")
    rk.ingest("shop", source=str(tmp_path / "other" / named))
    assert raw()[["price", "note"]].to_numpy().tolist() == [["7.5", "größe"]]


def test_parquet_integers_with_gaps_stay_integers(loaded, tmp_path):
    frame = pd.DataFrame(
        {
            "price": [1.5, 2.5],
            "pieces": pd.array([None, 3], dtype="Int64"),
            "colour": ["red", "blue"],
            "note": ["x", None],
            "sold": ["good", "bad"],
        }
    )
    frame.to_parquet(tmp_path / "shop.parquet")
    rk.ingest("shop", source=str(tmp_path / "shop.parquet"))
    with rk.connect().connect() as connection:
        rows = connection.exec_driver_sql("SELECT pieces, note FROM shop_raw").all()
    assert rows == [(None, "x"), (3, None)]


def test_from_takes_a_table_of_a_database(loaded, tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute('CREATE TABLE "last year" (price, pieces, colour, note, sold)')
        connection.execute("INSERT INTO \"last year\" VALUES (1.5, 2, 'red', 'x', 'good')")
    done = rk.ingest("shop", source=f"sqlite:///{tmp_path}/other.db#last year")
    assert done.rows == 1
    assert "other.db" in done.source
    before = loaded.contents()
    again = rk.ingest("shop", source=f"sqlite:///{tmp_path}/other.db#last year")
    assert again.unchanged
    with pytest.raises(InputError, match="this year"):
        rk.ingest("shop", source=f"sqlite:///{tmp_path}/other.db#this year")
    assert loaded.contents() == before


def test_a_query_reads_from_the_source_database(loaded, tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "source.db") as connection:
        connection.execute("CREATE TABLE sales (price, colour, at)")
        connection.executemany(
            "INSERT INTO sales VALUES (?, 'red', '12:30')", [(1,), (2,), (None,)]
        )
    query = (
        "SELECT price, 1 AS pieces, colour, ' :at ' || at AS note, 'good' AS sold "
        "FROM sales WHERE colour LIKE 'r%' ORDER BY price"
    )
    loaded.task(source={"sql": {"query": query}})
    monkeypatch.setenv("SOURCE_DATABASE_URL", f"sqlite:///{tmp_path}/source.db")
    get_settings.cache_clear()
    assert rk.ingest("shop").rows == 3
    assert raw()["note"].unique().tolist() == [" :at 12:30"]
    before = loaded.contents()
    loaded.task(source={"sql": {"query": query.replace("'good' AS sold", "0 AS sold, 1 AS sold")}})
    with pytest.raises(InputError, match="twice"):
        rk.ingest("shop")
    loaded.task(source={"sql": {"query": f"{query} LIMIT 0"}})
    with pytest.raises(InputError, match="no rows"):
        rk.ingest("shop")
    assert loaded.contents() == before


def test_other_rows_take_the_clean_ones_of_the_old_away_with_them(shop):
    shop.rows("1,1,red,,good", "2,2,blue,,bad", "x,1,red,,good")
    rk.ingest("shop")
    rk.clean("shop")
    shop.rows("5,1,red,,good")
    rk.ingest("shop")
    found = rk.status("shop")
    assert found["tables"] == {"raw": 1, "clean": None, "rejected": None, "duplicates": None}
    assert found["next"] == "rookery clean shop"
    assert rk.clean("shop").clean == 1
    assert rk.status("shop")["tables"] == {"raw": 1, "clean": 1, "rejected": 0, "duplicates": 0}
