"""Answers against outcomes, in whatever form a caller wrote them."""

import pytest

from rookery.core.judging import known, live_metrics


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Gentoo", "Gentoo"),
        (1, "Adelie"),
        (3.0, "Gentoo"),
        ("gentoo", None),
        (4, None),
        (True, None),
        (None, None),
    ],
)
def test_an_outcome_is_a_label_of_the_task_or_its_number(penguins, value, label) -> None:
    assert known(value, penguins) == label


def test_of_a_regressor_it_is_a_number(make_task) -> None:
    task = make_task(
        {"x": {"type": "float"}},
        y={"type": "float", "required": True},
        metric="rmse",
        candidates={"linear_regression": {}},
    )
    assert known(3, task) == 3.0
    assert known("3", task) is None
    assert known(True, task) is None
    assert live_metrics([1.0, 2.0], [1.0, 4.0], task)["mae"] == 1.0


def test_where_the_classes_are_true_and_false_a_number_is_neither(make_task) -> None:
    task = make_task({"x": {"type": "float"}}, y={"type": "boolean", "required": True})
    assert [known(value, task) for value in (True, False, 1, 0, "true")] == [
        True,
        False,
        *[None] * 3,
    ]


def test_metrics_that_need_probabilities_are_left_out(penguins) -> None:
    found = live_metrics(["Adelie", "Gentoo"], ["Adelie", "Adelie"], penguins)
    assert found["accuracy"] == 0.5
    assert "log_loss" not in found
    assert live_metrics([], [], penguins) == {}
