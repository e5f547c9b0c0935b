"""The made-up listings: the same from one seed, and like those of a real market."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SERVICE = Path(__file__).parents[3] / "services" / "data-api"


@pytest.fixture(scope="module")
def made():
    """The service's module; its folder is no package."""
    sys.path.insert(0, str(SERVICE))
    try:
        import listings

        yield listings
    finally:
        sys.path.remove(str(SERVICE))


def frame(made, number: int, seed: int = 42, share: float = 0.05) -> pd.DataFrame:
    return pd.DataFrame(made.listings(number, seed, share), columns=made.COLUMNS)


def test_a_seed_gives_the_same_rows_and_another_one_others(made):
    pd.testing.assert_frame_equal(frame(made, 1), frame(made, 1))
    assert not frame(made, 1).equals(frame(made, 1, seed=7))


def test_the_six_batches_have_their_sizes(made):
    sizes = [made.rows_of(number, 1.0) for number in range(6)]
    assert sizes == [73_784, 94_551, 230_366, 4_055, 320_696, 361_457]
    assert [len(frame(made, number, share=0.01)) for number in range(6)] == [
        738, 946, 2_304, 41, 3_207, 3_615,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "low", "high", "statuses"),
    [
        (0, 0, 300_000, {"for_sale"}),
        (2, 0, 300_000, {"sold"}),
        (4, 300_000, 500_000, {"sold", "for_sale"}),
        (5, 500_000, 1e9, {"sold", "for_sale"}),
    ],
)
def test_a_batch_holds_its_range_of_prices_and_a_few_that_cannot_be(
    made, number, low, high, statuses
):
    rows = frame(made, number)
    assert set(rows["status"]) == statuses
    possible = rows["price"].between(max(low, 8_000), high)
    assert 0.001 < (~possible).mean() < 0.01
    assert set(rows.loc[~possible, "price"].fillna(0)) <= {0.0, -1.0, 1.0}


def test_the_fourth_batch_is_of_one_state(made):
    assert frame(made, 3, share=1.0)["state"].nunique() == 1
    assert frame(made, 0, share=1.0)["state"].nunique() > 50


def test_prices_follow_size_beds_and_state(made):
    rows = frame(made, 5)
    rows = rows[rows["price"] > 1].assign(log_price=lambda r: np.log(r["price"]))
    assert rows["log_price"].corr(np.log(rows["house_size"])) > 0.2
    by_state = rows.groupby("state")["log_price"].mean()
    assert by_state["California"] > by_state["Ohio"]
    feet = rows["price"] / rows["house_size"]
    assert 300 < feet[rows["state"] == "California"].median() < 700


def test_values_are_missing_in_the_shares_of_real_listings(made):
    missing = frame(made, 0).isna().mean()
    assert 0.5 < missing["prev_sold_date"] < 0.6
    for name in ("bed", "bath", "house_size", "acre_lot"):
        assert 0.03 < missing[name] < 0.2
    assert missing[["status", "city", "state"]].eq(0).all()


def test_some_rows_come_twice(made):
    assert 0.001 < frame(made, 0).duplicated().mean() < 0.01


def test_rows_are_objects_or_lists_of_texts(made):
    table = made.listings(0, 42, 0.001)
    (objects,), (lists,) = made.records(table), made.lists(table)
    assert list(objects[0]) == list(made.COLUMNS)
    assert all(isinstance(value, str) for row in lists for value in row)
    assert len(objects) == len(lists) == made.rows_of(0, 0.001)
    assert not any(value != value for row in objects for value in row.values())
