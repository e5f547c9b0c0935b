"""The encoder gives the matrix that scikit-learn gives, to the last bit."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from rookery.core.derived import DerivedFeatures
from rookery.core.frames import frame_of
from rookery.core.records import RecordField
from rookery.serving.predictor.interface import NotCompiled
from rookery.serving.predictor.reading_encoders import read_encoder

FIELDS = (
    RecordField("x", "float"),
    RecordField("y", "float"),
    RecordField("n", "integer"),
    RecordField("b", "boolean"),
    RecordField("w", "text"),
    RecordField("c", "category"),
    RecordField("t", "date"),
)
DAYS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
ROW = st.tuples(
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.sampled_from([0.0, -0.0, 1.0]) | st.floats(1e-300, 1e300),
    st.none() | st.integers(-3, 2**53),
    st.none() | st.booleans(),
    st.none() | st.sampled_from(["p", "q", "r", ""]) | st.text(max_size=5),
    st.none() | st.sampled_from(["u", "v"]),
    st.none() | DAYS,
)
TRAINED = [
    (1.0, 2.0, 1, True, "p", "u", datetime(2024, 2, 29, 23)),
    (2.5, 0.0, 2, False, "q", "v", datetime(1999, 12, 31)),
    (None, 7.0, 3, True, "", "u", None),
    (-3.0, None, None, False, "p", "v", datetime(2023, 1, 1)),
    (0.25, 1e3, 2, None, None, "v", datetime(2000, 3, 1, 5)),
]
ALL = ["x", "y", "n", "b"]
SPECS = {
    "sum": {"add": ["x", "n"]},
    "less": {"subtract": ["x", "y"]},
    "area": {"multiply": ["x", "b"]},
    "ratio": {"divide": ["x", "y"]},
    "log": {"log": "y"},
    "bin": {"bins": {"column": "x", "edges": [0.0, 1.0, 2]}},
    "letters": {"length": "w"},
    **{
        part: {"date_part": {"column": "t", "part": part}}
        for part in ("year", "month", "day", "weekday", "day_of_year", "hour")
    },
}


def filled(*steps, strategy="median"):
    return make_pipeline(SimpleImputer(strategy=strategy), *steps)


def known(**changes):
    return OneHotEncoder(**{"handle_unknown": "ignore", "sparse_output": False} | changes)


def columns(*parts, **changes):
    return ColumnTransformer([(str(n), *part) for n, part in enumerate(parts)], **changes)


LENIENT = {
    "standard": columns((StandardScaler(), ALL)),
    "a mean alone": columns((StandardScaler(with_std=False), ALL)),
    "a deviation alone": columns((StandardScaler(with_mean=False), ALL)),
    "min max": columns((MinMaxScaler((-1, 2)), ALL)),
    "min max, clipped": columns((MinMaxScaler(clip=True), ALL)),
    "robust": columns((RobustScaler(), ALL), (RobustScaler(with_centering=False), ["x"])),
    "max abs": columns((MaxAbsScaler(), ALL)),
    "median": columns((filled(), ALL)),
    "mean, scaled twice": columns((filled(RobustScaler(), MinMaxScaler(), strategy="mean"), ALL)),
    "constant": columns((SimpleImputer(strategy="constant", fill_value=-7), ALL)),
    "most frequent": columns((filled(known(), strategy="most_frequent"), ["w", "c"])),
    "a word for missing": columns(
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), known()), ["w"])
    ),
    "one-hot with a column for missing": columns((known(), ["w", "c"])),
    "one-hot without the first": columns((known(drop="first"), ["w", "c"])),
    "one-hot without one of two": columns((known(drop="if_binary"), ["c"])),
    "one-hot, sparse": columns((known(sparse_output=True), ["w"]), (StandardScaler(), ["x"])),
    "one-hot of numbers": columns((known(), ["n", "b"])),
    "one-hot of filled numbers": columns((filled(known(), strategy="most_frequent"), ["n"])),
    "one-hot, scaled": columns((make_pipeline(known(), StandardScaler()), ["w"])),
    "ordinal": columns(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["w", "c"])
    ),
    "ordinal with nothing for unknown": columns(
        (
            OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-9
            ),
            ["w"],
        )
    ),
    "by index, slice and mask": columns(
        (StandardScaler(), [1, 0]),
        (MinMaxScaler(), slice(2, 3)),
        (known(), [False] * 5 + [True, False]),
    ),
    "by type": columns((filled(), make_column_selector(dtype_include="number"))),
    "the rest passed": columns(
        (known(), ["w", "c"]), ("drop", ["t"]), (StandardScaler(), ["y"]), remainder="passthrough"
    ),
    "the rest scaled": columns(
        ("drop", ["t", "w", "c"]), ("passthrough", ["x"]), remainder=StandardScaler()
    ),
    "weighted": columns(
        (StandardScaler(), ["x"]), (known(), ["c"]), transformer_weights={"0": 0.1, "1": 3.0}
    ),
    "derived": Pipeline(
        [("derive", DerivedFeatures(SPECS)), ("all", columns((filled(), [*ALL, *SPECS])))]
    ),
    "derived twice, and one-hot": Pipeline(
        [
            ("derive", DerivedFeatures({"bin": SPECS["bin"], "sum": SPECS["sum"]})),
            ("again", DerivedFeatures({"more": {"multiply": ["sum", "y"]}})),
            ("all", columns((known(), ["bin"]), (filled(), ["more"]))),
        ]
    ),
    "scaled after all": make_pipeline(
        columns((filled(), ALL), (known(), ["c"])), StandardScaler(), FunctionTransformer()
    ),
}


@np.errstate(all="ignore")
def compared(fitted, encoder, rows):
    """Both matrices, or both refusals."""
    try:
        wanted = fitted.transform(frame_of(FIELDS, rows))
    except ValueError:
        with pytest.raises(ValueError, match="category"):
            encoder.encode(rows)
        return
    wanted = wanted.toarray() if hasattr(wanted, "toarray") else np.asarray(wanted)
    np.testing.assert_array_equal(encoder.encode(rows), wanted.astype(np.float64))


@pytest.mark.filterwarnings("ignore:Found unknown categories", "ignore:overflow")
@pytest.mark.parametrize("name", LENIENT)
def test_rows_are_encoded_as_the_transformer_does(name):
    fitted = LENIENT[name].fit(frame_of(FIELDS, TRAINED))
    encoder = read_encoder([fitted], FIELDS)

    @np.errstate(all="ignore")
    @settings(max_examples=30)  # of more rows each: a frame costs the same for one row or twenty
    @given(st.lists(ROW, min_size=1, max_size=20))
    def same(rows):
        compared(fitted, encoder, rows)

    same()
    compared(fitted, encoder, TRAINED)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()], ids=str)
@pytest.mark.parametrize("word", ["p", "never seen", None, ""])
def test_what_is_not_known_is_refused_where_scikit_learn_refuses_it(encoder, word):
    fitted = columns((encoder, ["c", "w"])).fit(frame_of(FIELDS, TRAINED[:4]))
    row = (*TRAINED[0][:4], word, *TRAINED[0][5:])
    compared(fitted, read_encoder([fitted], FIELDS), [TRAINED[1], row])


@pytest.mark.filterwarnings("ignore:Skipping features")
@pytest.mark.parametrize("keep", [False, True])
def test_a_column_without_any_value_is_dropped_or_kept_as_scikit_learn_does(keep):
    empty = [(None, *row[1:]) for row in TRAINED]
    fitted = columns((SimpleImputer(keep_empty_features=keep), ["x", "y"]))
    fitted.fit(frame_of(FIELDS, empty))
    compared(fitted, read_encoder([fitted], FIELDS), TRAINED)


@pytest.mark.parametrize(
    ("transformer", "why"),
    [
        (columns((SimpleImputer(add_indicator=True), ["x"])), "SimpleImputer with an indicator"),
        (columns((SimpleImputer(missing_values=0), ["x"])), "a sign of its own"),
        (columns((OneHotEncoder(max_categories=2), ["w"])), "infrequent"),
        (columns((FunctionTransformer(np.abs), ["x"])), "FunctionTransformer has no compiled"),
        (columns(("passthrough", ["x", "w"])), "w is no number"),
        (columns((make_pipeline(StandardScaler(), OneHotEncoder()), ["x"])), "changed before"),
    ],
    ids=["indicator", "sign", "infrequent", "function", "text", "categories of changed numbers"],
)
def test_what_has_no_compiled_form_is_named(transformer, why):
    fitted = transformer.fit(frame_of(FIELDS, TRAINED[:2]))
    with pytest.raises(NotCompiled, match=why):
        read_encoder([fitted], FIELDS)


class StandardScaler2(StandardScaler):
    """Somebody's own, which may do anything."""


def test_a_strangers_type_is_named_with_its_module():
    fitted = columns((StandardScaler2(), ["x"])).fit(frame_of(FIELDS, TRAINED))
    with pytest.raises(NotCompiled, match=rf"{__name__}.StandardScaler2 has no compiled form"):
        read_encoder([fitted], FIELDS)


def test_the_frame_of_no_rows_has_the_columns():
    assert list(frame_of(FIELDS, []).columns) == [field.name for field in FIELDS]
    assert isinstance(frame_of(FIELDS, TRAINED), pd.DataFrame)
