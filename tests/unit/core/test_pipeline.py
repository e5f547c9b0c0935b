"""Pipelines take raw columns, bear missing and unknown values, and survive storage."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from rookery.core.candidates import expand
from rookery.core.families import FAMILIES
from rookery.core.pipeline import build_pipeline

COLUMNS = {
    "f": {"type": "float"},
    "g": {"type": "float", "required": True},
    "i": {"type": "integer"},
    "b": {"type": "boolean"},
    "sure": {"type": "boolean", "required": True},
    "c": {"type": "category", "values": ["ä", "b", "rare"]},
    "t": {"type": "text"},
    "d": {"type": "date"},
}
EVERY_KIND = {
    "sum": {"add": ["f", "g"]},
    "difference": {"subtract": ["f", "g"]},
    "product": {"multiply": ["f", "i"]},
    "ratio": {"divide": ["g", "i"]},
    "log": {"log": "g"},
    "weekday": {"date_part": {"column": "d", "part": "weekday"}},
    "bin": {"bins": {"column": "f", "edges": [-0.5, 0.5]}},
    "letters": {"length": "t"},
}
GAPPY = ["f", "i", "b", "c", "t", "d"]


TRUSTED = set(files("rookery").joinpath("trusted_types.txt").read_text("utf-8").splitlines())


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(COLUMNS, features=EVERY_KIND)


@pytest.fixture(scope="module")
def rows():
    """120 rows of every type in which each column that may has gaps."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "f": rng.normal(size=n),
            "g": rng.normal(size=n),
            "i": rng.integers(-3, 4, n).astype(float),
            "b": rng.integers(0, 2, n).astype(float),
            "sure": rng.integers(0, 2, n).astype(bool),
            "c": pd.Series(rng.choice(["ä", "b"], n), dtype="str"),
            "t": pd.Series(["x" * k for k in rng.integers(0, 9, n)], dtype="str"),
            "d": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
        }
    )
    for column in GAPPY:
        frame.loc[rng.choice(n, 12, replace=False), column] = None
    y = pd.Series(np.where(frame["g"] + frame["sure"] > 0.3, "p", "q"), dtype="str")
    return frame, y


def test_every_kind_of_derived_feature_fits_and_predicts_with_missing_values(task, rows):
    X, y = rows
    model = build_pipeline(task, DecisionTreeClassifier(random_state=0)).fit(X, y)
    assert (model.predict(X) == y).all()
    encoded = model[:-1].transform(X)
    assert np.isfinite(encoded).all()
    assert list(model[:-1].get_feature_names_out()) == [
        "g",
        "sure",
        "f",
        "i",
        "b",
        *EVERY_KIND,
        "c_ä",
        "c_b",
        "c_rare",
    ]
    nothing = X.iloc[[0]].copy()
    nothing[GAPPY] = None
    nothing = nothing.astype(X.dtypes)
    assert model.predict(nothing)[0] in ("p", "q")


def test_a_row_alone_gets_the_answer_that_it_gets_among_others(task, rows):
    X, y = rows
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    alone = np.vstack([model.predict_proba(X.iloc[[row]]) for row in range(20)])
    np.testing.assert_allclose(alone, model.predict_proba(X.iloc[:20]))


def test_columns_are_found_by_name_and_others_are_ignored(task, rows):
    X, y = rows
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    turned = X[X.columns[::-1]].assign(unheard_of="of")
    np.testing.assert_array_equal(model.predict_proba(turned), model.predict_proba(X))


def test_a_pipeline_clones_unfitted(task, rows):
    X, y = rows
    model = build_pipeline(task, LogisticRegression(C=3.0)).fit(X, y)
    copy = clone(model)
    assert copy["estimator"].C == 3.0
    assert not hasattr(copy["estimator"], "coef_")
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), model.predict_proba(X))


def test_a_pipeline_with_derived_features_survives_skops(task, rows):
    X, y = rows
    model = build_pipeline(task, LogisticRegression()).fit(X, y)
    stored = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=stored)
    assert "rookery.core.derived.DerivedFeatures" in untrusted
    assert set(untrusted) <= TRUSTED
    loaded = skops.io.loads(stored, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded["derive"].specs == model["derive"].specs


@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if one.regressor])
def test_a_logarithm_of_the_target_is_learnt_by_every_family_and_survives_skops(
    make_task, rows, family
):
    X, _ = rows
    y = np.exp(2 * X["g"] + X["sure"])
    price = {"type": "float", "required": True, "range": [1e-6, 1e6]}
    learnt = {"metric": "rmse", "target_transform": "log", "candidates": {family: {}}}
    task = make_task(COLUMNS, y=price, features=EVERY_KIND, **learnt)
    model = expand(task)[0][1].pipeline(task).fit(X, y)
    plain = clone(model["estimator"].regressor).fit(model[:-1].transform(X), np.log(y))
    np.testing.assert_allclose(model.predict(X), np.exp(plain.predict(model[:-1].transform(X))))
    stored = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=stored)
    assert set(untrusted) <= TRUSTED
    loaded = skops.io.loads(stored, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_every_family_of_the_penguins_survives_skops(penguins, clean_penguins):
    X, y = clean_penguins[penguins.inputs], clean_penguins["species"]
    for name, candidate in [one for one in expand(penguins) if one[0].endswith("-1")]:
        model = candidate.pipeline(penguins).fit(X, y)
        stored = skops.io.dumps(model)
        untrusted = skops.io.get_untrusted_types(data=stored)
        assert set(untrusted) <= TRUSTED, name
        loaded = skops.io.loads(stored, trusted=untrusted)
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X), name)


def test_encoding_equals_pandas_and_numpy(penguins, clean_penguins):
    X = clean_penguins[penguins.inputs]
    model = build_pipeline(penguins, DecisionTreeClassifier()).fit(X, clean_penguins["species"])
    numbers = X.select_dtypes("number")
    expected = pd.concat(
        [
            (numbers - numbers.mean()) / numbers.std(ddof=0),
            pd.get_dummies(X[["island", "sex"]], dtype=float),
        ],
        axis=1,
    )
    encoded = pd.DataFrame(
        model[:-1].transform(X), columns=model[:-1].get_feature_names_out(), index=X.index
    )
    pd.testing.assert_frame_equal(encoded, expected, check_like=True)


def test_an_unknown_or_missing_category_is_all_zeros(penguins, clean_penguins):
    X = clean_penguins[penguins.inputs]
    model = build_pipeline(penguins, DecisionTreeClassifier()).fit(X, clean_penguins["species"])
    strange = X.iloc[:2].assign(
        island=pd.Series(["Atlantis", None], dtype="str", index=X.index[:2])
    )
    names = list(model[:-1].get_feature_names_out())
    islands = [names.index(f"island_{name}") for name in ("Biscoe", "Dream", "Torgersen")]
    assert (model[:-1].transform(strange)[:, islands] == 0).all()
    assert set(model.predict(strange)) <= set(penguins.labels)


def test_a_column_without_any_value_is_learnt_from_as_nothing(task, rows):
    X, y = rows
    empty = X.assign(f=np.nan)
    model = build_pipeline(task, LogisticRegression()).fit(empty, y)
    assert np.isfinite(model.predict_proba(empty)).all()
    assert "f" in model[:-1].get_feature_names_out(), "and counts again once it is filled"


def test_the_median_of_the_training_rows_stands_in_for_what_is_missing(make_task):
    task = make_task({"f": {"type": "float"}})
    X = pd.DataFrame({"f": [1.0, 2.0, 9.0, np.nan]})
    model = build_pipeline(task, DecisionTreeClassifier()).fit(X, ["p", "p", "q", "q"])
    filled = StandardScaler().fit_transform([[1.0], [2.0], [9.0], [2.0]])
    np.testing.assert_allclose(model[:-1].transform(X), filled)


def test_booleans_alone_can_be_learnt_from(make_task):
    task = make_task({"b": {"type": "boolean"}, "sure": {"type": "boolean", "required": True}})
    X = pd.DataFrame({"b": [True, False] * 4, "sure": [False, True] * 4})
    model = build_pipeline(task, DecisionTreeClassifier()).fit(X, ["p", "q"] * 4)
    assert model.predict(X.astype({"b": float})).tolist() == ["p", "q"] * 4
