"""How far two tables are apart, column by column."""

import numpy as np
import pandas as pd
import pytest

from rookery.core.shift import shifts

DAYS = pd.date_range("2026-01-01", periods=100, freq="D")


def test_equal_tables_are_no_distance_apart() -> None:
    rows = pd.DataFrame({"a": np.arange(100.0), "b": ["x", "y"] * 50, "c": [True, False] * 50})
    found = shifts(rows, rows.copy(), ["a", "b", "c"])
    assert [(one.column, one.distance) for one in found] == [("a", 0), ("b", 0), ("c", 0)]
    assert found[0].p_value == pytest.approx(1)


def test_the_farthest_column_comes_first_with_the_distance_of_its_type() -> None:
    before = pd.DataFrame({"a": np.arange(100.0), "b": ["x"] * 50 + ["y"] * 50, "d": DAYS})
    now = pd.DataFrame(
        {"a": np.arange(100.0) + 25, "b": ["x"] * 100, "d": DAYS + pd.Timedelta(days=90)}
    )
    found = {one.column: one for one in shifts(before, now, ["a", "b", "d"])}
    assert list(found) == ["d", "b", "a"]
    assert found["a"].distance == pytest.approx(0.25)
    assert found["b"].distance == pytest.approx(0.5)
    assert found["d"].distance == pytest.approx(0.9)
    assert (found["b"].measure, found["d"].measure) == ("total variation", "Kolmogorov-Smirnov")
    assert (found["b"].before, found["b"].now) == ("x 50%", "x 100%")
    assert found["d"].before == "median 2026-02-20"


def test_gaps_are_told_apart_from_values() -> None:
    before = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    now = pd.DataFrame({"a": [1.0, None, 3.0, None]})
    (found,) = shifts(before, now, ["a"])
    assert (found.missing_before, found.missing_now) == (0, 0.5)


def test_a_column_of_one_value_has_no_test() -> None:
    rows = pd.DataFrame({"b": ["x"] * 4})
    (found,) = shifts(rows, rows, ["b"])
    assert (found.distance, found.p_value) == (0, None)


def test_a_column_that_one_side_lacks_or_has_only_gaps_in_is_left_out() -> None:
    before = pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0]})
    now = pd.DataFrame({"a": [1.0], "c": [np.nan]})
    assert [one.column for one in shifts(before, now, ["a", "b", "c"])] == ["a"]
    assert shifts(before, now.head(0), ["a"]) == []
