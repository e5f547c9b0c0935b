"""Derived features equal what NumPy and pandas compute; what cannot be computed is missing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from rookery.core.derived import Derived, DerivedFeatures, derive

nan = np.nan
A = np.array([1.0, -2.0, 0.0, nan, 1e308, 4.0])
B = np.array([2.0, 0.0, 0.0, 1.0, 1e308, nan])
WHEN = [
    "2024-02-29T23:30:00",
    "1999-12-31",
    None,
    "2023-01-01",
    "2000-03-01T05:00:00",
    "2024-01-01",
]
FRAME = pd.DataFrame(
    {
        "a": A,
        "b": B,
        "when": pd.to_datetime(pd.Series(WHEN), format="ISO8601"),
        "note": pd.Series(["", "né", None, "日本語", "a b", "x" * 300], dtype="str"),
        "flag": [True, False, True, False, True, False],
        "whole": pd.Series([1, 2, 3, 4, 5, 6], dtype="int64"),
    }
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"add": ["a", "b"]}, [3.0, -2.0, 0.0, nan, nan, nan]),
        ({"subtract": ["a", "b"]}, [-1.0, -2.0, 0.0, nan, 0.0, nan]),
        ({"multiply": ["a", "b"]}, [2.0, 0.0, 0.0, nan, nan, nan]),
        ({"divide": ["a", "b"]}, [0.5, nan, nan, nan, 1.0, nan]),
        ({"add": ["flag", "whole"]}, [2, 2, 4, 4, 6, 6]),
        ({"log": "a"}, [0.0, nan, nan, nan, np.log(1e308), np.log(4.0)]),
        ({"bins": {"column": "a", "edges": [0.0, 1.0]}}, [2, 0, 1, nan, 2, 2]),
        ({"length": "note"}, [0, 2, nan, 3, 3, 300]),
        ({"date_part": {"column": "when", "part": "year"}}, [2024, 1999, nan, 2023, 2000, 2024]),
        ({"date_part": {"column": "when", "part": "month"}}, [2, 12, nan, 1, 3, 1]),
        ({"date_part": {"column": "when", "part": "day"}}, [29, 31, nan, 1, 1, 1]),
        ({"date_part": {"column": "when", "part": "weekday"}}, [3, 4, nan, 6, 2, 0]),
        ({"date_part": {"column": "when", "part": "day_of_year"}}, [60, 365, nan, 1, 61, 1]),
        ({"date_part": {"column": "when", "part": "hour"}}, [23, 0, nan, 0, 5, 0]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_derived_feature_is_what_its_operation_says(spec, expected):
    found = derive(FRAME, spec)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, equal_nan=True)


def test_arithmetic_on_real_rows_equals_numpy(clean_penguins):
    length, depth = clean_penguins["bill_length_mm"], clean_penguins["bill_depth_mm"]
    found = derive(clean_penguins, {"divide": ["bill_length_mm", "bill_depth_mm"]})
    np.testing.assert_array_equal(found, length.to_numpy() / depth.to_numpy())
    found = derive(clean_penguins, {"log": "body_mass_g"})
    np.testing.assert_array_equal(found, np.log(clean_penguins["body_mass_g"].to_numpy()))


@pytest.mark.parametrize(
    ("spec", "inputs", "accepts"),
    [
        ({"multiply": ["a", "b"]}, ("a", "b"), ("float", "integer", "boolean")),
        ({"log": "a"}, ("a",), ("float", "integer", "boolean")),
        ({"bins": {"column": "a", "edges": [1]}}, ("a",), ("float", "integer", "boolean")),
        ({"length": "note"}, ("note",), ("text", "category")),
        ({"date_part": {"column": "when", "part": "day"}}, ("when",), ("date",)),
        ({"log": "a", "add": None}, ("a",), ("float", "integer", "boolean")),
    ],
)
def test_a_derived_feature_knows_what_it_is_made_of(spec, inputs, accepts):
    derived = Derived.model_validate(spec)
    assert (derived.inputs, derived.accepts) == (inputs, accepts)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "there are 0"),
        ({"log": None}, "there are 0"),
        ({"log": "a", "length": "b"}, "there are 2"),
        ({"bins": {"column": "a", "edges": []}}, "at least 1 item"),
        ({"bins": {"column": "a", "edges": [1, 1]}}, "must increase"),
        ({"bins": {"column": "a", "edges": [nan]}}, "finite number"),
        ({"add": ["a", "b", "c"]}, "at most 2 items"),
    ],
)
def test_a_derived_feature_that_makes_no_sense_is_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        Derived.model_validate(spec)


def test_the_transformer_appends_columns_and_leaves_its_input_alone():
    before = FRAME.copy()
    transformer = DerivedFeatures({"sum": {"add": ["a", "b"]}, "letters": {"length": "note"}})
    found = transformer.fit_transform(FRAME)
    assert list(found.columns) == list(transformer.get_feature_names_out())
    assert list(found.columns) == [*FRAME.columns, "sum", "letters"]
    pd.testing.assert_frame_equal(FRAME, before)
    pd.testing.assert_frame_equal(found[list(FRAME.columns)], FRAME)


def test_the_transformer_clones_and_wants_to_be_fitted():
    transformer = DerivedFeatures({"l": {"log": "a"}})
    copy = clone(transformer.fit(FRAME))
    assert copy.specs == transformer.specs
    with pytest.raises(NotFittedError):
        copy.transform(FRAME)


def test_one_row_is_derived_as_it_is_among_others():
    spec = {"bins": {"column": "a", "edges": [0.0, 1.0]}}
    alone = [derive(FRAME.iloc[[row]], spec)[0] for row in range(len(FRAME))]
    np.testing.assert_array_equal(alone, derive(FRAME, spec))
