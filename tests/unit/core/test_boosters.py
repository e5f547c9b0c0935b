"""LightGBM and XGBoost: equal to the libraries themselves, and nothing hostile reaches them."""

import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.base import clone

from rookery.core import boosters, lightgbm_text, xgboost_text
from rookery.core.families import FAMILIES, build_estimator, missing_library
from rookery.errors import InputError

lightgbm = pytest.importorskip("lightgbm", reason="the extra lightgbm is not installed")
xgboost = pytest.importorskip("xgboost", reason="the extra xgboost is not installed")

SMALL = {"n_estimators": 8}
QUIET = {"lightgbm": {"verbosity": -1}, "xgboost": {"verbosity": 0}}
SPECIAL = {
    "lightgbm": [
        {},
        {"boosting_type": "dart"},
        {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
    ],
    # pruned nodes stay in XGBoost's arrays
    "xgboost": [{}, {"tree_method": "exact", "gamma": 3}, {"num_parallel_tree": 2}],
}
CASES = [(name, special) for name, listed in SPECIAL.items() for special in listed]


def rows(classes: int = 3, count: int = 300):
    draw = np.random.default_rng(3)
    X = draw.normal(size=(count, 4))
    y = np.digitize(X[:, 0] + X[:, 1] * X[:, 2], np.linspace(-1, 1, classes - 1))
    X[draw.random(X.shape) < 0.1] = np.nan
    return X, y


def own(name, kind, parameters):
    """The library's own estimator, with what ours fixes."""
    module = {"lightgbm": lightgbm, "xgboost": xgboost}[name]
    cls = getattr(module, {"lightgbm": "LGBM", "xgboost": "XGB"}[name] + kind.capitalize())
    return cls(**(boosters.SHARED | QUIET[name] | SMALL | parameters))


def ours(name, kind, parameters):
    path = FAMILIES[name].path(kind)
    return build_estimator(path, SMALL | parameters, calibrated=False)


def through_skops(model):
    data = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)
    (only,) = skops.io.get_untrusted_types(data=data)
    return skops.io.loads(data, trusted=[only])


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_of_words_answers_as_the_library_does_before_and_after_it_is_stored(
    name, parameters, classes
):
    X, y = rows(classes)
    words = np.array(["high", "low", "middle"])[y]
    model = ours(name, "classifier", parameters).fit(X, words)
    expected = own(name, "classifier", parameters).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-7)
    again = through_skops(model)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert set(again.predict(X)) <= {"high", "low", "middle"}
    assert (again.predict(X) == words).mean() > 0.6


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_a_regressor_answers_as_the_library_does_before_and_after_it_is_stored(name, parameters):
    X, _ = rows()
    y = np.nan_to_num(X[:, 0]) * 1000
    model = ours(name, "regressor", parameters).fit(X, y)
    expected = own(name, "regressor", parameters).fit(X, y).predict(X)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-6)
    np.testing.assert_array_equal(through_skops(model).predict(X), model.predict(X))


@pytest.mark.parametrize("name", SPECIAL)
def test_a_booster_is_cloned_and_sent_to_worker_processes(name):
    X, y = rows()
    model = ours(name, "classifier", {"learning_rate": 0.2}).fit(X, y)
    sent = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(sent.predict_proba(X), model.predict_proba(X))
    assert clone(model).parameters == {"n_estimators": 8, "learning_rate": 0.2}
    pickle.loads(pickle.dumps(clone(model))).fit(X, y)


@pytest.mark.parametrize("name", SPECIAL)
def test_a_row_of_another_width_is_refused_before_the_library_sees_it(name):
    X, y = rows()
    model = ours(name, "classifier", {}).fit(X, y)
    with pytest.raises(ValueError, match="2 features"):
        model.predict(X[:, :2])


HOSTILE_LINES = [
    ("a column that is not there", r"split_feature=", "split_feature=4000000 "),
    ("a child behind the last node", r"left_child=", "left_child=4000000 "),
    ("a leaf that is not there", r"right_child=", "right_child=-4000000 "),
    ("a way back to the root", r"left_child=", "left_child=0 "),
    ("more leaves than there are", r"num_leaves=", "num_leaves=99"),
    ("categorical splits", r"num_cat=", "num_cat=1"),
    ("linear leaves", r"is_linear=", "is_linear=1"),
    ("more outputs than there are", r"num_class=", "num_class=9"),
    ("another width", r"max_feature_idx=", "max_feature_idx=9"),
    ("a line twice", r"num_cat=0", "num_cat=0\nnum_cat="),
    ("words for numbers", r"threshold=", "threshold=x "),
]


@pytest.mark.parametrize(("before", "after"), [c[1:] for c in HOSTILE_LINES])
def test_a_hostile_lightgbm_model_is_refused(before, after):
    X, y = rows()
    model = ours("lightgbm", "classifier", {}).fit(X, y)
    text = model.model_.decode()
    assert before in text
    # the first number of the line gives way, so that the count stays right
    line = next(line for line in text.splitlines() if line.startswith(before))
    rest = line.removeprefix(before).split(" ", 1)[1:] if after.endswith(" ") else []
    hostile = text.replace(line, after + "".join(rest), 1)
    assert hostile != text
    with pytest.raises(ValueError, match=r"."):
        lightgbm_text.checked(hostile, features=4, outputs=3)


def edited(place, value):
    def edit(model):
        node = model["learner"]
        for step in place[:-1]:
            node = node[step]
        node[place[-1]] = value

    return edit


TREE = ("gradient_booster", "model", "trees", 0)
HOSTILE_EDITS = [
    ("a column that is not there", edited((*TREE, "split_indices", 0), 4_000_000)),
    ("a child behind the last node", edited((*TREE, "left_children", 0), 4_000_000)),
    ("a child before the first node", edited((*TREE, "left_children", 0), -7)),
    ("a way back to the root", edited((*TREE, "left_children", 0), 0)),
    ("two ways to one node", edited((*TREE, "left_children", 0), 2)),
    ("an output that is not there", edited(("gradient_booster", "model", "tree_info", 0), 9)),
    (
        "rounds that are not there",
        edited(("gradient_booster", "model", "iteration_indptr"), [0, 9]),
    ),
    ("categorical splits", edited((*TREE, "split_type", 0), 1)),
    ("vectors in leaves", edited((*TREE, "tree_param", "size_leaf_vector"), "3")),
    ("another width", edited(("learner_model_param", "num_feature"), "9")),
    ("another booster", edited(("gradient_booster", "name"), "gblinear")),
    ("another kind of thing", edited(("gradient_booster", "model", "trees"), 7)),
    ("missing nodes", edited((*TREE, "left_children"), [])),
]


@pytest.mark.parametrize("edit", [e for _, e in HOSTILE_EDITS], ids=[n for n, _ in HOSTILE_EDITS])
def test_a_hostile_xgboost_model_is_refused(edit):
    X, y = rows()
    model = ours("xgboost", "classifier", {}).fit(X, y)
    parsed = json.loads(model.model_)
    assert xgboost_text.checked(json.dumps(parsed).encode(), features=4, outputs=3)
    edit(parsed)
    with pytest.raises(ValueError, match=r"."):
        xgboost_text.checked(json.dumps(parsed).encode(), features=4, outputs=3)


@pytest.mark.parametrize("name", SPECIAL)
def test_a_state_with_another_model_than_it_says_is_not_built(name):
    X, y = rows()
    wide = ours(name, "classifier", {}).fit(np.hstack([X, X]), y)
    state = ours(name, "classifier", {}).fit(X, y).__getstate__() | {"model_": wide.model_}
    with pytest.raises(ValueError, match="4 features"):
        ours(name, "classifier", {}).__setstate__(state)


@pytest.mark.parametrize("more", [{"_checked": len}, {"_booster": 7}, {"model_": 10**15}])
def test_a_state_that_holds_more_than_a_model_is_not_taken(more):
    X, y = rows()
    state = ours("lightgbm", "classifier", {}).fit(X, y).__getstate__()
    with pytest.raises(ValueError, match="not the state"):
        ours("lightgbm", "classifier", {}).__setstate__(state | more)


@pytest.mark.parametrize("name", SPECIAL)
def test_without_the_library_the_extra_to_install_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    boosters.library.cache_clear()
    try:
        with pytest.raises(InputError) as caught:
            ours(name, "classifier", {}).fit(*rows())
        assert f"'.[{name}]'" in caught.value.next
        assert f"'.[{name}]'" in str(missing_library(ours(name, "classifier", {})))
    finally:
        boosters.library.cache_clear()
