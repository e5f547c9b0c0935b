"""Columns that must not matter, and models to which they do."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier


@pytest.mark.parametrize("column", ["lift", "agent"])
def test_a_column_that_is_not_learnt_from_changes_no_answer(priced, only, column):
    task = priced(invariance={column: {"tolerance": 20}})
    found = only(task)
    assert (found.passed, found.value) == (True, 0.0)
    assert found.examples == []
    assert found.rows > 400  # a text may be swapped for its equal


def test_a_column_that_matters_is_refused_with_the_share_and_its_worst_rows(priced, only):
    found = only(priced(invariance={"district": {"share": 0.01, "tolerance": 50}}))
    assert not found.passed
    assert found.value == 1.0  # of the next districts one is the centre, or it is left
    assert (found.sense, found.bound, found.rows) == ("at most", 0.01, 600)
    assert "changing only district changes the answer to 100.00% of 600 rows" in found.says
    assert "by more than 50; 1.00% may" in found.says
    assert len(found.examples) == 5
    for each in found.examples:
        assert each["changed"]["district"] != each["row"]["district"]
        assert abs(each["now"] - each["was"]) > 50


def test_a_move_within_the_tolerance_is_none(priced, only):
    assert only(priced(invariance={"district": {"tolerance": 300}})).passed
    assert not only(priced(invariance={"district": 0.5})).passed


def test_numbers_take_the_values_of_other_rows(priced, only, flats):
    found = only(priced(invariance={"area": {"tolerance": 100, "share": 0.2}}))
    assert not found.passed
    assert found.value > 0.8
    assert all(each["changed"]["area"] in set(flats["area"]) for each in found.examples)


def test_a_classifier_is_judged_by_its_label_or_by_how_far_a_probability_moves(classed, only):
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    by_label = only(classed(invariance={"district": 1.0}), tree)
    by_score = only(classed(invariance={"district": {"tolerance": 0.01, "share": 1.0}}), tree)
    barely = only(classed(invariance={"district": {"tolerance": 0.999, "share": 1.0}}), tree)
    assert 0 < by_label.value <= by_score.value
    assert barely.value <= by_label.value
    assert by_label.examples[0]["was"] in ("p", "q")


def test_missing_values_stay_missing(priced, only, flats):
    half = flats.assign(area=flats["area"].where(np.arange(len(flats)) % 2 == 0))
    found = only(priced(invariance={"area": {"tolerance": 1e-6}}), rows=half)
    assert found.rows <= 300
    assert all(each["row"]["area"] is not None for each in found.examples)


def test_a_column_that_never_varies_cannot_be_changed_and_does_not_pass(priced, only, flats):
    found = only(priced(invariance={"rooms": 0.5}), rows=flats.assign(rooms=3))
    assert (found.passed, found.value) == (False, None)
    assert "rooms has one value in all 600 rows" in found.says


def test_no_more_rows_are_asked_than_the_task_says_and_always_the_same(priced, asked_of, flats):
    task = priced(invariance={"area": 1.0}, rows=50)
    first, shuffled = (asked_of(task, LinearRegression(), rows) for rows in (flats, flats[::-1]))
    assert len(first.some) == 50
    assert first.some["y"].tolist() == shuffled.some["y"].tolist()
