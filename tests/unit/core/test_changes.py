"""What two versions are held against one another by."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.changes import changed, column_changes, flips, held_out_by_both, row_changes
from rookery.core.holdout import split

KEYS = st.dictionaries(st.text(max_size=3), st.integers(0, 2))


@given(KEYS, KEYS)
def test_only_keys_that_differ_are_named_with_both_values(before, after):
    found = changed(before, after)
    assert {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)} == set(found)
    assert all(pair == [before.get(key), after.get(key)] for key, pair in found.items())


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
@settings(max_examples=30, deadline=None)
def test_rows_are_counted_by_their_content(old, new):
    before, after = (pd.DataFrame({"x": pd.Series(sorted(s), dtype=float)}) for s in (old, new))
    found = row_changes(before, after.sample(frac=1, random_state=0))
    assert (found.before, found.after) == (len(old), len(new))
    assert (found.added, found.gone) == (len(new - old), len(old - new))
    assert {row["x"] for row in found.first_added} <= new - old
    assert len(found.first_added) == min(20, len(new - old))


def test_rows_of_other_columns_are_other_rows():
    found = row_changes(pd.DataFrame({"x": [1.0]}), pd.DataFrame({"y": [1.0]}))
    assert (found.added, found.gone) == (1, 1)


def test_a_summary_says_what_changed_in_a_column():
    dates = pd.to_datetime(["2020-01-01", None]).astype("datetime64[us]")
    before = pd.DataFrame({"n": [1.0, 3.0], "k": ["a", "b"], "d": dates, "b": [True, False]})
    after = before.assign(n=[1.0, None], k=["a", "a"], b=[True, True])
    assert column_changes(before, before.copy()) == {}
    assert column_changes(before, after) == {
        "n": {"missing": [0, 1], "mean": [2.0, 1.0], "max": [3.0, 1.0]},
        "k": {"rows of a": [1, 2], "rows of b": [1, None]},
        "b": {"rows of True": [1, 2], "rows of False": [1, None]},
    }
    assert column_changes(before[["n"]], before[["n", "d"]]) == {
        "d": {
            "missing": [None, 1],
            "mean": [None, "2020-01-01T00:00:00"],
            "min": [None, "2020-01-01T00:00:00"],
            "max": [None, "2020-01-01T00:00:00"],
        }
    }


def test_no_row_that_the_earlier_version_was_trained_on_is_compared(clean_penguins, penguins):
    other = penguins.model_copy(update={"split": penguins.split.model_copy(update={"seed": 1})})
    before, after = split(clean_penguins, penguins), split(clean_penguins, other)
    found = held_out_by_both(before, after)
    assert 0 < len(found) < len(after[1])
    assert set(found.index) == set(before[1].index) & set(after[1].index)
    without = (before[0].drop(columns="year"), before[1].drop(columns="year"))
    assert set(held_out_by_both(without, after).index) <= set(found.index)


def test_flips_are_counted_by_what_became_right_and_wrong(penguins, clean_penguins):
    rows = clean_penguins.head(4)
    truth = rows["species"].tolist()
    before, after = [*truth[:2], "Gentoo", "Gentoo"], ["Gentoo", *truth[1:3], "Chinstrap"]
    found = flips(rows, before, after, penguins)
    assert (found.rows, found.flipped, found.to_right, found.to_wrong) == (4, 3, 1, 1)
    assert [(flip.before, flip.after) for flip in found.first] == [
        ("Adelie", "Gentoo"), ("Gentoo", "Adelie"), ("Gentoo", "Chinstrap"),
    ]  # fmt: skip
    assert found.first[0].row["island"] == "Torgersen"


def test_the_numbers_furthest_apart_come_first(make_task):
    task = make_task(
        {"a": {"type": "float"}},
        y={"type": "float", "required": True},
        metric="mae",
        candidates={"ridge": {}},
    )
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    found = flips(rows, [1.0, 2.0, 3.0], [1.0, 2.5, 1.0], task)
    assert (found.flipped, found.to_right, found.largest_gap) == (2, None, pytest.approx(2.0))
    assert [flip.row["a"] for flip in found.first] == [3.0, 2.0]
