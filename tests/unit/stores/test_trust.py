"""What a model file may hold, and that hostile ones are refused before they are asked."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from rookery.errors import Refused
from rookery.stores import trust
from rookery.stores.trees import check_trees

X = np.random.default_rng(0).random((150, 3))
y = np.tile([0, 1, 2], 50)
FITTED = [
    DecisionTreeClassifier(max_leaf_nodes=9, ccp_alpha=0.001),
    RandomForestClassifier(n_estimators=3),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    KNeighborsClassifier(algorithm="kd_tree", leaf_size=4),
    KNeighborsClassifier(algorithm="ball_tree", leaf_size=4),
    SGDClassifier(),
    make_pipeline(StandardScaler(), LogisticRegression()),
]


def fitted(estimator):
    return estimator.fit(np.column_stack([np.floor(X[:, 0] * 5), X[:, 1:]]), y)


def changed(data: bytes, change) -> bytes:
    """A skops file with another schema."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename == "schema.json":
                content = json.dumps(change(json.loads(content))).encode()
            new.writestr(item.filename, content)
    return target.getvalue()


@pytest.mark.parametrize("estimator", FITTED, ids=lambda e: type(e).__name__)
def test_what_scikit_learn_fitted_is_taken(estimator):
    data = skops.io.dumps(fitted(estimator))
    trust.check_file(data)
    check_trees(skops.io.loads(data, trusted=list(trust.trusted_types())))


def test_a_vectorizer_that_would_read_files_is_refused():
    words = pd.Series(list("abcd"))
    pipeline = make_pipeline(CountVectorizer(token_pattern="."), LogisticRegression())
    pipeline.fit(words, [0, 1, 0, 1])
    pipeline[0].set_params(input="filename", analyzer=float)
    data = skops.io.dumps(pipeline)
    assert trust.untrusted(data) == []  # skops alone would let it pass
    with pytest.raises(Refused, match="CountVectorizer") as caught:
        trust.check_file(data)
    assert "sklearn.feature_extraction" in caught.value.allowed


def test_a_type_on_neither_list_is_named():
    with pytest.raises(Refused, match=r"numpy\.load"):
        trust.check_file(skops.io.dumps(FunctionTransformer(np.load)))


@pytest.mark.parametrize(
    ("held", "name"),
    [(np.dtype("f8"), "dtype"), (fitted(DecisionTreeClassifier()).tree_, "Tree")],
    ids=["dtype", "Tree"],
)
@pytest.mark.parametrize("loader", ["LossNode", "ObjectNode", "ConstructorFromReduceNode"])
def test_a_type_of_our_list_with_another_loader_is_refused(held, name, loader):
    data = changed(skops.io.dumps(held), lambda schema: schema | {"__loader__": loader})
    with pytest.raises(Refused, match=f"{name} built by {loader}"):
        trust.check_file(data)


@pytest.mark.parametrize(
    ("limit", "most"), [("MOST_BYTES", 100_000), ("MOST_ENTRIES", 1), ("MOST_SCHEMA_BYTES", 100)]
)
def test_a_file_that_unpacks_to_more_than_is_allowed_is_refused(monkeypatch, limit, most):
    data = skops.io.dumps(np.zeros(20_000), compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 10_000
    trust.check_file(data)
    monkeypatch.setattr(trust, limit, most)
    with pytest.raises(Refused, match="unpacks to"):
        trust.check_file(data)


def test_an_entry_that_many_nodes_name_counts_as_often(monkeypatch):
    data = skops.io.dumps([np.zeros(1000)])
    many = changed(data, lambda schema: schema | {"content": schema["content"] * 50})
    monkeypatch.setattr(trust, "MOST_BYTES", 200_000)
    trust.check_file(data)
    with pytest.raises(Refused, match="unpacks to"):
        trust.check_file(many)


def tree_with(field: str, value: int) -> DecisionTreeClassifier:
    model = fitted(DecisionTreeClassifier(max_depth=2))
    state = model.tree_.__getstate__()
    if field == "node_count":
        state[field] = value
    else:
        state["nodes"][field][0] = value
    model.tree_.__setstate__(state)
    return model


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 500_000_000),
        ("right_child", -7),
        ("left_child", 0),
        ("feature", 3),
        ("feature", -1),
        ("node_count", 10_000),
    ],
)
def test_a_tree_that_points_outside_is_refused(field, value):
    with pytest.raises(Refused, match="outside"):
        check_trees(make_pipeline(StandardScaler(), tree_with(field, value)))


def test_a_forest_whose_trees_are_wider_than_its_rows_is_refused():
    forest = fitted(RandomForestClassifier(n_estimators=2))
    wide = RandomForestClassifier(n_estimators=2).fit(np.hstack([X, X]), y)
    forest.estimators_ = wide.estimators_
    with pytest.raises(Refused, match="RandomForestClassifier"):
        check_trees(forest)


def test_boosting_with_more_trees_a_round_than_it_says_is_refused():
    model = fitted(GradientBoostingClassifier(n_estimators=2))
    model.n_trees_per_iteration_ = 1
    with pytest.raises(Refused, match="GradientBoostingClassifier"):
        check_trees(model)


@pytest.mark.parametrize(
    ("field", "value"), [("left", 9999), ("right", 0), ("feature_idx", 3), ("bitset_idx", 77)]
)
def test_a_tree_of_histogram_boosting_that_points_outside_is_refused(field, value):
    model = fitted(HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]))
    nodes = model._predictors[0][0].nodes
    nodes["is_categorical"][0] = 1
    nodes[field][0] = value
    with pytest.raises(Refused, match="outside"):
        check_trees(model)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("part", ["order", "end", "leaf"])
def test_an_index_of_neighbours_that_points_outside_is_refused(algorithm, part):
    model = fitted(KNeighborsClassifier(algorithm=algorithm, leaf_size=4))
    state = list(model._tree.__getstate__())
    state[1], state[2] = np.array(state[1]), np.array(state[2])
    if part == "order":
        state[1][0] = 150
    elif part == "end":
        state[2]["idx_end"][0] = 151
    else:
        state[2]["is_leaf"][-1] = 0
    model._tree.__setstate__(tuple(state))
    with pytest.raises(Refused, match="Tree"):
        check_trees(model)
