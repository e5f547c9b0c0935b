"""Drift is found by its size, in the columns that a model uses, and not where there is none."""

import re

import numpy as np
import pandas as pd
import pytest

from rookery.core.drift import drift_columns, find_drift
from rookery.core.sections import Drift

COLUMNS = {
    "size": {"type": "float"},
    "state": {"type": "category", "values": ["a", "b", "c"]},
    "since": {"type": "date"},
    "warm": {"type": "boolean"},
    "note": {"type": "text"},
    "code": {"type": "integer", "feature": False},
}
FEATURES = {"year": {"date_part": {"column": "since", "part": "year"}}}
ALL_OFF = Drift(numbers=None, categories=None, new_categories=None, missing=None)


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(COLUMNS, features=FEATURES)


def rows(seed: int = 0, count: int = 4000, **changes: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(0, 1, count),
            "state": rng.choice(["a", "b"], count),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, count), "D"),
            "warm": rng.random(count) < 0.5,
            "note": "x",
            "code": rng.integers(0, 9, count),
            "y": rng.choice(["p", "q"], count),
        }
    )
    return frame.assign(**changes)


def test_rows_of_the_same_kind_show_none(task):
    assert find_drift(task, Drift(), rows(1), rows(2)) == []


def test_it_is_looked_for_in_features_and_target_but_not_in_text(task):
    assert drift_columns(task) == ["size", "state", "since", "warm", "y"]
    assert find_drift(task, Drift(), rows(1), rows(2, note="other", code=99)) == []


def test_numbers_that_moved_are_found_with_their_distance(task):
    (found,) = find_drift(task, Drift(), rows(1), rows(2, size=rows(2)["size"] + 1))
    assert found.startswith("size: Kolmogorov-Smirnov distance 0.3")
    assert find_drift(task, Drift(numbers=0.5), rows(1), rows(2, size=rows(2)["size"] + 1)) == []


def test_a_difference_that_is_significant_but_small_is_none(task):
    many = 40_000
    moved = rows(2, many)["size"] + 0.1
    assert find_drift(task, Drift(numbers=0.2), rows(1, many), rows(2, many, size=moved)) == []
    assert find_drift(task, Drift(numbers=0.02), rows(1, many), rows(2, many, size=moved)) != []


def test_a_large_difference_of_a_few_rows_may_be_chance(task):
    few = rows(2, 5, size=[0.5, 0.6, 0.7, 0.8, 0.9], state="a", warm=True, y="p")
    assert [found for found in find_drift(task, Drift(), rows(1), few) if "warm" in found] == []


def test_dates_are_compared_as_moments(task):
    later = rows(2)["since"] + pd.Timedelta(days=600)
    (found,) = find_drift(task, Drift(), rows(1), rows(2, since=later))
    assert found.startswith("since: Kolmogorov-Smirnov distance")


@pytest.mark.parametrize(("column", "value"), [("state", "a"), ("warm", True), ("y", "q")])
def test_shares_of_categories_that_changed_are_found(task, column, value):
    (found,) = find_drift(task, Drift(), rows(1), rows(2, **{column: value}))
    assert re.match(rf"{column}: total variation distance 0\.(49|5)", found)


def test_a_new_category_is_named(task):
    state = rows(2)["state"].where(np.arange(4000) % 10 != 0, "c")
    found = find_drift(task, Drift(), rows(1), rows(2, state=state))
    assert found == ["state: 10.0% of the new rows have a new category, such as 'c'"]
    assert find_drift(task, Drift(new_categories=0.2), rows(1), rows(2, state=state)) == []


def test_more_missing_values_are_found(task):
    size = rows(2)["size"].mask(np.arange(4000) % 2 == 0)
    (found,) = find_drift(task, Drift(), rows(1), rows(2, size=size))
    assert found == "size: missing in 50.0% of the new rows, 0.0% before"


def test_each_test_can_be_switched_off(task):
    other = rows(2, size=9.0, state="c", since=pd.Timestamp("1990-01-01"), warm=True)
    assert find_drift(task, ALL_OFF, rows(1), other) == []


def test_columns_without_a_value_and_sides_without_a_row_are_no_error(task):
    assert find_drift(task, Drift(missing=None), rows(1), rows(2, size=np.nan)) == []
    assert find_drift(task, Drift(), rows(1).head(0), rows(2)) == []
    assert find_drift(task, Drift(), rows(1), rows(2).head(0)) == []
