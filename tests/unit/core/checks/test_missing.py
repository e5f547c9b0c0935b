"""Models and values that are not there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from rookery.core.checks import ask, declared, run
from rookery.core.pipeline import build_pipeline


def test_a_metric_that_falls_by_little_passes(priced, only):
    found = only(priced(missing={"columns": {"area": 1000}}))
    assert found.passed
    assert 100 < found.value < 1000
    assert "without area mae is" in found.says


def test_a_metric_that_falls_by_more_is_refused_with_the_rows_it_hurts(priced, only):
    found = only(priced(missing={"columns": {"area": 10}}))
    assert (found.passed, found.sense, found.bound) == (False, "at most", 10)
    first = found.examples[0]
    assert first["changed"] == {"area": None}
    truth = first["row"]["y"]
    assert abs(first["now"] - truth) > abs(first["was"] - truth)


def test_a_share_of_the_cells_hurts_less_than_all(priced, only):
    some = only(priced(missing={"cells": {"share": 0.1, "worse_by": 1000}}))
    whole = only(priced(missing={"columns": {"area": 1000}}))
    assert 0 < some.value < whole.value
    assert some.value == only(priced(missing={"cells": {"share": 0.1, "worse_by": 0}})).value
    assert "without 10% of the values of area" in some.says


def test_a_score_falls_when_it_gets_smaller(classed, only):
    found = only(classed(missing={"columns": {"area": 0.01}, "metric": "f1"}))
    assert not found.passed
    assert 0 < found.value <= 1


def test_a_pipeline_that_takes_no_gap_is_refused_in_its_own_words(priced, flats):
    task = priced(missing={"columns": {"area": 1e9}})
    chosen = FunctionTransformer(lambda X: X[["area"]])
    model = Pipeline([("choose", chosen), ("estimator", LinearRegression())])
    model.fit(flats[task.inputs], flats["y"])
    (check,) = declared(task, packed=False)
    found = run(check, ask(task, model, task.inputs, flats))
    assert (found.passed, found.value) == (False, None)
    assert "without area the model fails: ValueError: Input X contains NaN" in found.says
    assert "mark the column as required" in found.says


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("boolean", [True, False]),
        ("integer", [1, 2]),
        ("category", ["n", "s"]),
        ("float", [0.5, 1.5]),
    ],
)
def test_columns_of_every_type_can_be_taken_away(make_task, kind, values):
    spec = {"type": kind} | ({"values": values} if kind == "category" else {})
    task = make_task(
        {"a": spec, "b": {"type": "float"}},
        y={"type": "float", "required": True},
        metric="mae",
        candidates={"ridge": {}},
        checks={"missing": {"columns": {"a": 10}, "cells": {"share": 0.5, "worse_by": 10}}},
    )
    rows = pd.DataFrame(
        {"a": pd.Series(values * 50), "b": np.arange(100.0), "y": np.arange(100) % 2 * 5.0}
    )
    model = build_pipeline(task, LinearRegression()).fit(rows[["a", "b"]], rows["y"])
    asked = ask(task, model, ["a", "b"], rows)
    whole, cells = (run(check, asked) for check in declared(task, packed=False))
    assert whole.passed
    assert whole.value > 1
    assert cells.value <= whole.value
