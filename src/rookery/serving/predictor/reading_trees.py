"""From scikit-learn's trees to packed arrays; they are told by name, so nothing is imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rookery.serving.predictor.interface import Array, Floats, NotCompiled
from rookery.serving.predictor.model import Linked, kind, linked
from rookery.serving.predictor.trees import Trees


@dataclass(frozen=True)
class Tree:
    """One tree: children of -1 are a leaf's; values are (nodes, columns)."""

    feature: Array
    threshold: Floats
    left: Array
    right: Array
    missing_left: Array
    values: Floats


def read(estimator: Any) -> Linked | None:
    """The compiled form of a fitted tree or ensemble of trees; None for any other.

    Raises:
        NotCompiled: one that has none.
    """
    reader = READERS.get(kind(estimator))
    if reader is None:
        return None
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise NotCompiled(f"{kind(estimator)} with several outputs has no compiled form")
    return reader(estimator)


def _tree(found: Any, values: Floats | None = None) -> Tree:
    """A fitted decision tree with its own values, (nodes, classes), or others."""
    tree = found.tree_
    return Tree(
        tree.feature,
        tree.threshold,
        tree.children_left,
        tree.children_right,
        tree.missing_go_to_left,
        tree.value[:, 0, :] if values is None else values,
    )


def _constant(value: float) -> Tree:
    """A tree of one leaf: what boosting starts from."""
    none = np.array([-1])
    return Tree(none, np.zeros(1), none, none, np.zeros(1), np.array([[value]], dtype=np.float64))


def _packed(
    trees: Sequence[Tree], features: int, *, columns: int = 1, single: bool, missing: bool
) -> Trees:
    starts = np.cumsum([0] + [len(tree.feature) for tree in trees])
    own = np.arange(starts[-1])
    leaf = np.concatenate([tree.left for tree in trees]) < 0

    def joined(parts: list[Array], dtype: Any) -> Array:
        return np.concatenate(parts).astype(dtype)

    def children(parts: list[Array]) -> Array:
        moved = [part + start for part, start in zip(parts, starts, strict=False)]
        return np.where(leaf, own, joined(moved, np.int64))

    missing_left = joined([tree.missing_left for tree in trees], np.bool_)
    arrays = {
        "roots": starts[:-1].astype(np.int64),
        "feature": np.where(leaf, -1, joined([tree.feature for tree in trees], np.int64)),
        "threshold": np.where(leaf, 0.0, joined([tree.threshold for tree in trees], np.float64)),
        "left": children([tree.left for tree in trees]),
        "right": children([tree.right for tree in trees]),
        "missing_left": missing_left & ~leaf,
        "values": np.where(
            leaf[:, np.newaxis], joined([tree.values for tree in trees], np.float64), 0.0
        ),
    }
    options = {"features": features, "single": single, "missing": missing, "columns": columns}
    return Trees(arrays, options)


def _forest(estimator: Any) -> Linked:
    trees = getattr(estimator, "estimators_", [estimator])
    features = int(estimator.n_features_in_)
    missing = bool(trees[0]._support_missing_values(np.zeros((1, features))))
    model = _packed([_tree(tree) for tree in trees], features, single=True, missing=missing)
    return linked(model, "votes" if hasattr(estimator, "classes_") else "identity", len(trees))


def _gradient_boosting(estimator: Any) -> Linked:
    features, columns = int(estimator.n_features_in_), estimator.estimators_.shape[1]
    if not isinstance(estimator.init_, str) and not kind(estimator.init_).startswith("Dummy"):
        raise NotCompiled(f"{kind(estimator)} that starts from {kind(estimator.init_)}")
    start = estimator._raw_predict_init(np.zeros((1, features), dtype=np.float32))[0]
    trees = [_constant(value) for value in start]
    for tree in estimator.estimators_.ravel():
        trees.append(_tree(tree, estimator.learning_rate * tree.tree_.value[:, 0, :]))
    model = _packed(trees, features, columns=columns, single=True, missing=False)
    if not hasattr(estimator, "classes_"):
        return linked(model, "identity", 1.0)
    if columns > 1:
        return linked(model, "softmax")
    return linked(model, "from_zero", 2.0 if estimator.loss == "exponential" else 1.0)


def _histogram(estimator: Any) -> Linked:
    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise NotCompiled(f"{kind(estimator)} with categorical features has no compiled form")
    trees = [_constant(value) for value in np.ravel(estimator._baseline_prediction)]
    columns, features = len(trees), int(estimator.n_features_in_)
    trees += [_histogram_tree(found.nodes) for stage in estimator._predictors for found in stage]
    model = _packed(trees, features, columns=columns, single=False, missing=True)
    if hasattr(estimator, "classes_"):
        return linked(model, "above_zero" if columns == 1 else "softmax", 1.0)
    logarithmic = estimator.loss in ("poisson", "gamma")
    return linked(model, "exponential" if logarithmic else "identity", 1.0)


def _histogram_tree(nodes: Array) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        nodes["feature_idx"],
        nodes["num_threshold"],
        np.where(leaf, -1, nodes["left"].astype(np.int64)),
        np.where(leaf, -1, nodes["right"].astype(np.int64)),
        nodes["missing_go_to_left"],
        nodes["value"][:, np.newaxis],
    )


def _adaboost(estimator: Any) -> Linked:
    members = estimator.estimators_
    strangers = [kind(member) for member in members if not hasattr(member, "tree_")]
    if strangers:
        raise NotCompiled(f"{kind(estimator)} of {strangers[0]} has no compiled form")
    weights = estimator.estimator_weights_[: len(members)]
    features, sizes = int(estimator.n_features_in_), {"single": True, "missing": False}
    if not hasattr(estimator, "classes_"):
        trees = [_tree(member) for member in members]
        model = _packed(trees, features, columns=len(members), **sizes)
        return linked(model, "weighted_median", *weights)
    votes = zip(members, weights, strict=True)
    trees = [_tree(member, _ballots(estimator, member, weight)) for member, weight in votes]
    return linked(_packed(trees, features, **sizes), "samme", estimator.estimator_weights_.sum())


def _ballots(estimator: Any, member: Any, weight: float) -> Floats:
    """Each leaf's vote: its weight for the class it says, and something against the others."""
    said = member.classes_.take(member.tree_.value[:, 0, :].argmax(axis=1))
    against = -1 / (estimator.n_classes_ - 1) * weight
    return np.where(said[:, np.newaxis] == estimator.classes_, weight, against)


READERS: dict[str, Callable[[Any], Linked]] = {
    **dict.fromkeys(
        (
            "DecisionTreeClassifier",
            "DecisionTreeRegressor",
            "ExtraTreeClassifier",
            "ExtraTreeRegressor",
            "RandomForestClassifier",
            "RandomForestRegressor",
            "ExtraTreesClassifier",
            "ExtraTreesRegressor",
        ),
        _forest,
    ),
    "GradientBoostingClassifier": _gradient_boosting,
    "GradientBoostingRegressor": _gradient_boosting,
    "HistGradientBoostingClassifier": _histogram,
    "HistGradientBoostingRegressor": _histogram,
    "AdaBoostClassifier": _adaboost,
    "AdaBoostRegressor": _adaboost,
}
