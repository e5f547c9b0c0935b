"""The error of a regressor in each part of the rows."""

import numpy as np
import pandas as pd

from rookery.core.segments import error_by_segment, segments

COLUMNS = {
    "district": {"type": "category", "values": ["north", "south"]},
    "lift": {"type": "boolean"},
    "area": {"type": "float"},
}
PRICED = {
    "y": {"type": "float", "unit": "EUR", "required": True},
    "metric": "mae",
    "candidates": {"ridge": {}},
}


def test_the_error_of_each_part_is_its_mean_absolute_error(make_task):
    task = make_task(COLUMNS, **PRICED)
    truth = np.arange(100, 200, dtype=float)
    X = pd.DataFrame(
        {"district": ["north", "south"] * 50, "lift": [True, None] * 50, "area": truth}
    )
    y_pred = truth + np.where(X["district"] == "north", 2.0, -10.0)
    found = {part.name: part for part in segments(X, truth, y_pred, task)}
    assert [part.rows for part in list(found.values())[:5]] == [20] * 5
    assert {part.error for part in list(found.values())[:5]} == {6.0}
    assert found["district north"].error == 2.0
    assert found["district south"].error == 10.0
    assert found["lift missing"].rows == 50
    assert not any(name.startswith("area") for name in found)
    figure = error_by_segment(X, truth, y_pred, task)
    assert "6" in figure.get_suptitle()
    assert figure.axes[0].get_xlabel() == "mean absolute error (EUR)"


def test_rows_that_are_all_alike_are_one_part(make_task):
    task = make_task({"area": {"type": "float"}}, **PRICED)
    X = pd.DataFrame({"area": [1.0, 2.0]})
    (only,) = segments(X, np.array([5.0, 5.0]), np.array([5.0, 7.0]), task)
    assert (only.rows, only.error) == (2, 1.0)
