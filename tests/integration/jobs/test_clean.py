"""Clean: every raw row ends as a clean one, a refused one with its reasons, or a duplicate."""

import json

import numpy as np
import pandas as pd
import pytest

import rookery as rk
from rookery.errors import InputError

GOOD = "1.5,1,red,fine,good"


def table(name: str) -> pd.DataFrame:
    return pd.read_sql(f"SELECT * FROM {name}", rk.connect())


def test_of_344_penguins_333_are_clean_and_11_are_refused_with_reasons(empty_home):
    rk.ingest("penguins")
    done = rk.clean("penguins")
    assert (done.raw, done.clean, done.rejected, done.duplicates) == (344, 333, 11, 0)
    refused = table("penguins_rejected")
    assert refused["reasons"].str.contains("sex: missing").all()
    assert json.loads(refused["row"][0])["species"] == "Adelie"
    view = table("penguins_onehot")
    assert view["species"].value_counts().to_dict() == {1: 146, 3: 119, 2: 68}
    assert view[["island_Biscoe", "island_Dream", "island_Torgersen"]].sum(axis=1).eq(1).all()
    assert view["sex_male"].sum() == 168


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,1,red,,good", "price: 'x' is not a finite number"),
        ("inf,1,red,,good", "price: 'inf' is not a finite number"),
        ("-1e999,1,red,,good", "price: '-1e999' is not a finite number"),
        ("1001,1,red,,good", "price: 1001 is outside 0 to 1000"),
        (",1,red,,good", "price: missing"),
        ("1,1.5,red,,good", "pieces: '1.5' is not a whole number"),
        ("1,1,green,,good", "colour: 'green' is not one of red, blue"),
        ("1,1,RED,,good", "colour: 'RED' is not one of red, blue"),
        ("1,1,red,,", "sold: missing"),
        ("1", "colour: missing"),
        ("x,y,green,,", "sold: missing"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reasons_and_kept_as_it_was(shop, row, reason):
    shop.rows(GOOD, row)
    rk.ingest("shop")
    done = rk.clean("shop")
    assert (done.raw, done.clean, done.rejected, done.duplicates) == (2, 1, 1, 0)
    (kept,) = table("shop_rejected").to_dict("records")
    assert reason in kept["reasons"]
    assert json.loads(kept["row"])["price"] == row.split(",")[0]
    assert table("shop_clean")["price"].tolist() == [1.5]


def test_a_row_of_many_faults_says_all_of_them(shop):
    shop.rows(GOOD, "x,y,green,,")
    rk.ingest("shop")
    rk.clean("shop")
    (reasons,) = table("shop_rejected")["reasons"]
    named = [reason.partition(":")[0] for reason in reasons.split("; ")]
    assert sorted(named) == ["colour", "pieces", "price", "sold"]


def test_infinity_in_a_column_of_numbers_is_refused_with_its_reason(shop, tmp_path):
    rows = pd.DataFrame(
        {
            "price": [1.5, np.inf, -np.inf, None, 1.5, 0.1],
            "pieces": pd.array([1, 2, 3, 4, 1, None], dtype="Int64"),
            "colour": "red",
            "note": "",
            "sold": "good",
        }
    )
    rows.to_parquet(tmp_path / "shop.parquet")
    rk.ingest("shop", source=str(tmp_path / "shop.parquet"))
    done = rk.clean("shop")
    assert (done.raw, done.clean, done.rejected, done.duplicates) == (6, 2, 3, 1)
    reasons = [reason.replace("'", "") for reason in table("shop_rejected")["reasons"]]
    assert reasons == [
        "price: inf is not a finite number",
        "price: -inf is not a finite number",
        "price: missing",
    ]
    assert table("shop_clean")["price"].tolist() == [1.5, 0.1]


def test_exact_duplicates_are_counted_and_left_out(shop):
    shop.rows(GOOD, "2,2,blue,x,bad", GOOD, "1.50,1.0, red ,fine,good", GOOD + " ")
    rk.ingest("shop")
    done = rk.clean("shop")
    assert (done.raw, done.clean, done.rejected, done.duplicates) == (5, 2, 0, 3)


@pytest.mark.parametrize("seed", range(4))
def test_raw_is_clean_plus_refused_plus_duplicates_whatever_arrives(shop, seed):
    random = np.random.default_rng(seed)
    cells = [
        ["", "1", "2.5", "inf", "x", "99999", "-0"],
        ["", "1", "2.5", "9e99"],
        ["", "red", "blue", "green"],
        ["", "ñ", "'; DROP TABLE shop_raw; --", '"quoted ""twice"""'],
        ["good", "bad", ""],
    ]
    shop.rows(
        "1,1,red,,good",
        *(",".join(random.choice(options) for options in cells) for _ in range(300)),
    )
    rk.ingest("shop")
    done = rk.clean("shop")
    assert done.raw == 301 == done.clean + done.rejected + done.duplicates
    assert len(table("shop_clean")) == done.clean == len(table("shop_clean").drop_duplicates())
    assert len(table("shop_rejected")) == done.rejected
    assert len(table("shop_onehot")) == done.clean
    before = shop.contents()
    assert rk.clean("shop") == done
    assert shop.contents() == before


def test_duplicates_are_found_across_chunks(shop, monkeypatch):
    rows = [f"{number},1,red,,good" for number in range(60_000)]
    shop.task(
        columns={
            "price": {"type": "float"},
            "pieces": {"type": "integer"},
            "colour": {"type": "category", "values": ["red"]},
            "note": {"type": "text"},
            "sold": {"type": "category", "values": ["good", "bad"], "required": True},
        }
    )
    shop.rows(*rows, rows[0], rows[49_999], rows[50_000], "x,1,red,,good")
    rk.ingest("shop")
    done = rk.clean("shop")
    assert (done.clean, done.rejected, done.duplicates) == (60_000, 1, 3)


def test_a_cleaning_of_nothing_names_the_command_that_comes_before(shop):
    with pytest.raises(InputError, match="shop_raw") as caught:
        rk.clean("shop")
    assert caught.value.next == "rookery ingest shop"


@pytest.mark.parametrize("left", ["nothing clean", "nothing at all"])
def test_a_table_without_a_clean_row_is_an_error_and_leaves_the_old_tables(shop, left):
    shop.rows(GOOD)
    rk.ingest("shop")
    rk.clean("shop")
    if left == "nothing clean":
        shop.rows("x,1,red,,good", "x,2,red,,good")
        rk.ingest("shop")
    else:
        with rk.connect().begin() as connection:
            connection.exec_driver_sql("DELETE FROM shop_raw")
    before = shop.contents()
    with pytest.raises(InputError, match="shop_raw is clean"):
        rk.clean("shop")
    assert shop.contents() == before


def test_a_raw_table_of_other_columns_is_refused_and_the_old_tables_stay(shop):
    shop.rows(GOOD)
    rk.ingest("shop")
    rk.clean("shop")
    columns = {
        "weight": {"type": "float"},
        "sold": {"type": "category", "values": ["good"], "required": True},
    }
    shop.task(columns=columns)
    before = shop.contents()
    with pytest.raises(InputError, match="weight"):
        rk.clean("shop")
    assert shop.contents() == before
