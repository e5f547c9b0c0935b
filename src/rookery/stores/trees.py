"""Bounds of fitted trees: scikit-learn follows their indices in C without a look."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import BaseEnsemble
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

from rookery.errors import Refused


def check_trees(model: Any) -> None:
    """Every tree in a loaded model stays within its own arrays and the width of a row.

    Raises:
        Refused: one does not.
    """
    for part in _parts(model):
        if not _sound(part):
            name = type(part).__name__
            raise Refused(
                f"a {name} in the model points outside its own nodes or columns",
                field="model",
                value=name,
                allowed="trees as scikit-learn fits them",
            )


def _parts(model: Any) -> Iterator[Any]:
    """The model and all that its attributes hold."""
    waiting, seen = [model], dict[int, Any]()  # holding what was seen keeps the ids unique
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type):
            continue
        seen[id(part)] = part
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple | set):
            waiting.extend(part)
        elif isinstance(part, np.ndarray):
            waiting.extend(part.ravel().tolist() if part.dtype == object else ())
        else:
            waiting.extend(getattr(part, "__dict__", {}).values())


def _sound(part: Any) -> bool:
    if isinstance(part, Tree):
        return _tree(part)
    if isinstance(part, KDTree | BallTree):
        return _index(part)
    if isinstance(part, BaseHistGradientBoosting) and hasattr(part, "_predictors"):
        return all(_histogram(tree, part) for row in part._predictors for tree in row)
    if isinstance(part, BaseDecisionTree) and hasattr(part, "tree_"):
        return bool(part.tree_.n_features == part.n_features_in_)
    # these hand their rows to the trees without another check
    if isinstance(part, BaseForest | BaseGradientBoosting) and hasattr(part, "estimators_"):
        return _members(part)
    return True


def _tree(tree: Tree) -> bool:
    count = tree.node_count
    if not 1 <= count <= tree.capacity:  # before a look at its arrays
        return False
    inner = tree.children_left != -1
    children = np.stack([tree.children_left[inner], tree.children_right[inner]])
    return _forward(children, np.flatnonzero(inner), count) and _within(
        tree.feature[inner], tree.n_features
    )


def _members(ensemble: BaseEnsemble) -> bool:
    members = np.asarray(ensemble.estimators_, dtype=object)
    per_row = getattr(ensemble, "n_trees_per_iteration_", None)
    return (per_row is None or members.shape[1:] == (per_row,)) and all(
        isinstance(member, BaseDecisionTree) and member.tree_.n_features == ensemble.n_features_in_
        for member in members.ravel()
    )


def _histogram(tree: Any, model: Any) -> bool:
    nodes, width = tree.nodes, model.n_features_in_
    inner = nodes["is_leaf"] == 0
    found = nodes[inner]
    children = np.stack([found["left"], found["right"]]).astype(np.int64)
    chosen = found[found["is_categorical"] != 0]
    return (
        len(nodes) > 0
        and _forward(children, np.flatnonzero(inner), len(nodes))
        and _within(found["feature_idx"], width)
        and _within(chosen["bitset_idx"], len(tree.raw_left_cat_bitsets))
        and (not len(chosen) or model._bin_mapper.is_categorical_.size == width)
    )


def _index(tree: Any) -> bool:
    rows, order, nodes, bounds, *_ = (np.asarray(array) for array in tree.get_arrays())
    count, size = len(nodes), len(rows)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return (
        len(order) == size
        and bounds.shape[1:] == (count, rows.shape[1])
        and _within(order, size)
        and _within(nodes["idx_start"], size + 1)
        and _within(nodes["idx_end"], size + 1)
        and _within(2 * inner + 2, count)  # where the two below a node lie
    )


def _forward(children: Any, own: Any, count: int) -> bool:
    """Below a node only nodes of higher number, so that the way down ends."""
    return bool((children > own).all()) and _within(children, count)


def _within(indices: Any, count: int) -> bool:
    return bool(((indices >= 0) & (indices < count)).all())
