"""When two trainings count as the same."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.equality import compare_answers, measured, metric_differences, other_versions

METRICS = st.dictionaries(
    st.sampled_from(["cv_accuracy", "holdout_mae", "holdout_r2"]),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(METRICS)
def test_metrics_are_equal_to_themselves_and_no_other_bits(metrics):
    assert metric_differences(metrics, dict(metrics)) == []
    moved = {name: math.nextafter(value, math.inf) for name, value in metrics.items()}
    assert [each.name for each in metric_differences(metrics, moved)] == sorted(metrics)


def test_a_metric_that_one_side_lacks_is_a_difference():
    (found,) = metric_differences({"cv_accuracy": 0.5}, {})
    assert str(found) == "cv_accuracy was 0.5, is none"


@pytest.mark.parametrize(("now", "differ"), [(1000.0005, 0), (1000.01, 1)])
def test_tolerance_is_relative_for_large_numbers(now, differ):
    assert len(metric_differences({"m": 1000.0}, {"m": now}, 1e-6)) == differ


def test_only_what_was_measured_is_compared():
    assert measured({"cv_mae": 1.0, "holdout_mae": 2.0, "fit_seconds": 3.0}) == {
        "cv_mae": 1.0,
        "holdout_mae": 2.0,
    }


def test_answers_differ_by_label_or_by_probability():
    before = (["a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    now = (["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.25, 0.75]])
    exact = compare_answers(before, now)
    assert (exact.rows, exact.different) == (3, 2)
    assert exact.largest_gap == pytest.approx(0.05)
    assert compare_answers(before, now, 0.1).different == 1  # the label, whatever the tolerance


def test_numbers_of_regressors_are_compared_by_their_distance():
    before, now = ([1.0, 200.0], None), ([1.0, 200.1], None)
    assert compare_answers(before, now).different == 1
    assert compare_answers(before, now, 0.001).different == 0


def test_other_versions_are_named_then_and_now():
    then = {"numpy": "2.3", "skops": "0.16", "gone": "1"}
    assert other_versions(then, {"numpy": "2.4", "skops": "0.16"}) == {"numpy": ["2.3", "2.4"]}
