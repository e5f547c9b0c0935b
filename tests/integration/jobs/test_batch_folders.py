"""Files of a folder as batches: loaded once, cleaned bit by bit, all in the audit."""

import pandas as pd
import pytest
from tests.integration.jobs.batch_files import audit, files_of, ingest_and_clean

import rookery as rk
from rookery.errors import InputError


@pytest.fixture
def folder(shop):
    """A shop whose rows come as files, and a function that writes one."""
    return files_of(shop)


def counts() -> dict[str, int | None]:
    with rk.connect().connect() as connection:
        raw, clean, rejected = (
            connection.exec_driver_sql(f"SELECT count(*) FROM shop_{name}").scalar_one()
            for name in ("raw", "clean", "rejected")
        )
    duplicates = int(audit()["duplicates"].sum())
    assert raw == clean + rejected + duplicates
    return {"raw": raw, "clean": clean, "rejected": rejected, "duplicates": duplicates}


MAY = ("1,1,red,a,good", "x,1,red,b,good", "2,1,blue,c,bad", "1,1,red,a,good")
JUNE = ("3,1,red,a,good", "1,1,red,a,good", "4,1,green,c,bad", "2,1,blue,c,bad")


def test_raw_is_clean_and_rejected_and_duplicates_over_all_batches(folder):
    folder("2014-05", *MAY)
    ingest_and_clean()
    folder("2014-06", *JUNE)
    ingest_and_clean()
    assert counts() == {"raw": 8, "clean": 3, "rejected": 2, "duplicates": 3}
    found = audit()
    assert found["rejected"].tolist() == [1, 1]
    assert found["duplicates"].tolist() == [1, 2]
    assert found["origin"].tolist() == ["2014-05.csv", "2014-06.csv"]
    assert found["state"].tolist() == ["cleaned", "cleaned"]
    rejected = pd.read_sql("SELECT * FROM shop_rejected", rk.connect())
    assert rejected["batch_id"].tolist() == found["batch_id"].tolist()


BOTH = ("SELECT * FROM shop_clean", "SELECT * FROM shop_rejected")


def test_cleaning_bit_by_bit_gives_what_cleaning_at_once_gives(folder):
    folder("1", *MAY)
    ingest_and_clean()
    folder("2", *JUNE)
    ingest_and_clean()
    bit_by_bit = [
        pd.read_sql(f"SELECT * FROM shop_{t}", rk.connect()) for t in ("clean", "rejected")
    ]
    by_audit = audit().drop(columns=["at", "state"])
    with rk.connect().begin() as connection:
        connection.exec_driver_sql("DROP TABLE shop_clean")
    rk.clean("shop")
    again = [pd.read_sql(query, rk.connect()) for query in BOTH]
    for one, other in zip(bit_by_bit, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(by_audit, audit().drop(columns=["at", "state"]))


def test_a_changed_rule_cleans_all_batches_again(folder, shop):
    folder("1", *MAY)
    ingest_and_clean()
    assert counts()["clean"] == 2
    source = {"batches": {"folder": str(shop.place / "months")}}
    shop.task(source=source, cleaning={"missing": ["", "x"]})
    assert rk.clean("shop").rejected == 1
    columns = {
        "price": {"type": "text"},
        "pieces": {"type": "integer"},
        "colour": {"type": "category", "values": ["red", "blue"], "required": True},
        "note": {"type": "text"},
        "sold": {"type": "category", "values": ["good", "bad"], "required": True},
    }
    shop.task(source=source, columns=columns)
    assert rk.clean("shop").clean == 3
    assert audit()["rejected"].tolist() == [0]


def test_clean_again_changes_nothing(folder):
    folder("1", *MAY)
    ingest_and_clean()
    before = pd.read_sql("SELECT * FROM shop_clean", rk.connect())
    assert rk.clean("shop").clean == 2
    pd.testing.assert_frame_equal(before, pd.read_sql("SELECT * FROM shop_clean", rk.connect()))


def test_files_are_taken_in_the_order_of_their_names_and_late_ones_too(folder):
    folder("2014-06", *JUNE)
    folder("2014-05", *MAY)
    assert rk.ingest("shop").source == "2014-05.csv"
    assert rk.ingest("shop").source == "2014-06.csv"
    folder("2014-04", "9,9,red,late,good")
    late = rk.ingest("shop")
    assert (late.source, late.number, late.rows) == ("2014-04.csv", 2, 1)
    assert "is loaded" in rk.ingest("shop").ended


def test_a_file_with_the_rows_of_another_adds_none(folder):
    folder("1", *MAY)
    folder("2", *MAY)
    rk.ingest("shop")
    again = rk.ingest("shop")
    assert (again.rows, again.unchanged) == (0, True)
    assert rk.clean("shop").raw == 4


def test_a_file_that_has_changed_since_is_refused(folder):
    folder("1", *MAY)
    rk.ingest("shop")
    folder("1", *JUNE)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "has changed since it was loaded as batch 0" in caught.value.message


def test_parquet_files_are_batches_too(folder, shop):
    place = shop.place / "months"
    shop.task(source={"batches": {"folder": str(place), "pattern": "*.parquet"}})
    frame = pd.DataFrame(
        {"price": [1.5, None], "pieces": [1, 2], "colour": ["red", "blue"], "note": "n",
         "sold": ["good", "bad"]}
    )  # fmt: skip
    frame.to_parquet(place / "1.parquet")
    ingest_and_clean()
    assert counts() == {"raw": 2, "clean": 1, "rejected": 1, "duplicates": 0}


@pytest.mark.parametrize("pattern", ["*.parquet", "nothing/*"])
def test_a_folder_without_such_a_file_is_named(folder, shop, pattern):
    source = {"batches": {"folder": str(shop.place / "months"), "pattern": pattern}}
    shop.task(source=source)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "there is no file" in caught.value.message


def test_clean_before_the_first_batch_says_what_to_do(folder):
    with pytest.raises(InputError) as caught:
        rk.clean("shop")
    assert caught.value.next == "rookery ingest shop"
