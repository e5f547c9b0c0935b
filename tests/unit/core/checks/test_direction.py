"""Numbers that must move the answer one way."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor


class Contrary(RegressorMixin, BaseEstimator):
    """A regressor that falls where it should rise."""

    def fit(self, X, y):  # noqa: ARG002
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return -np.asarray(X).sum(axis=1)


def test_a_price_that_grows_with_the_area_passes(priced, only):
    found = only(priced(direction={"area": "up"}))
    assert (found.passed, found.value) == (True, 1.0)
    assert (found.sense, found.bound) == ("at least", 0.95)
    assert "lowers the y in 0.00% of" in found.says


@pytest.mark.parametrize("rule", ["down", {"goes": "down", "share": 0.5}])
def test_the_wrong_way_is_refused_with_its_worst_rows(priced, only, rule):
    found = only(priced(direction={"area": rule}))
    assert (found.passed, found.value) == (False, 0.0)
    assert "raising area by" in found.says
    assert "m² raises the y in 100.00% of" in found.says
    first = found.examples[0]
    assert first["changed"]["area"] > first["row"]["area"]
    assert first["now"] > first["was"]


def test_a_contrary_model_is_refused(priced, only):
    assert not only(priced(direction={"rooms": "up"}), Contrary()).passed
    assert only(priced(direction={"rooms": "down"}), Contrary()).passed


def test_a_step_of_a_tree_passes_unless_it_must_strictly_rise(priced, only):
    tree = DecisionTreeRegressor(max_depth=2, random_state=0)
    assert only(priced(direction={"area": {"goes": "up", "by": 1}}), tree).passed
    strict = only(priced(direction={"area": {"goes": "up", "by": 1, "strictly": True}}), tree)
    assert not strict.passed
    assert "does not raise the y in" in strict.says


def test_rows_without_a_value_or_at_the_end_of_the_range_are_not_asked(priced, only, flats):
    gapped = flats.assign(area=flats["area"].where(flats["area"] > 50))
    found = only(priced(direction={"area": {"goes": "up", "by": 100}}), rows=gapped)
    assert found.rows == int(flats["area"].between(50, 120, inclusive="right").sum())
    nobody = only(priced(direction={"area": {"goes": "up", "by": 500}}))
    assert (nobody.passed, nobody.value) == (False, None)
    assert "no row's area can be raised by 500" in nobody.says


def test_whole_numbers_are_raised_by_whole_ones(priced, only):
    found = only(priced(direction={"rooms": {"goes": "down", "share": 0.0}}))
    assert found.passed
    assert "raising rooms by 3 " in found.says  # their deviation is 2.1


def test_of_classes_it_is_the_probability_of_the_named_one(classed, only):
    linear = LogisticRegression()
    assert only(classed(direction={"area": "up"}), linear).passed
    down = only(classed(direction={"area": {"goes": "down", "class": "p"}}), linear)
    assert down.passed
    assert "raises the probability of p" in down.says
    wrong = only(classed(direction={"area": {"goes": "up", "class": "p"}}), linear)
    assert not wrong.passed
    assert wrong.examples[0]["class"] == "p"


def test_a_classifier_without_probabilities_cannot_be_measured(classed, only):
    found = only(classed(direction={"area": "up"}), LinearSVC())
    assert (found.passed, found.value) == (False, None)
    assert "no probabilities" in found.says


def test_a_column_of_one_value_needs_by(priced, only, flats):
    found = only(priced(direction={"area": "up"}), rows=flats.assign(area=50.0))
    assert (found.passed, found.value) == (False, None)
