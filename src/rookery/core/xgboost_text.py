"""XGBoost's JSON model, read into checked arrays and written again.

As with LightGBM, the library gets only what we wrote: trees with one value a leaf and splits on
numbers, every index inside its bounds. The schema is the one in XGBoost's documentation.
"""

import json
import re
from typing import Any

_OBJECTIVE = re.compile(r"(reg|binary|multi|count):[a-z]+").fullmatch
_NO_PARENT = 2**31 - 1
_EMPTY = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
Tree = dict[str, Any]


def checked(text: bytes, *, features: int, outputs: int) -> bytes:
    """The same model, of nothing but what predictions need.

    Raises:
        ValueError: a tree points outside its own nodes or the columns, the text is not of so many
            features and outputs, or it holds what we do not store (linear or dropped-out boosters,
            categorical splits, vectors in leaves).
    """
    try:
        learner = json.loads(text)["learner"]
        return json.dumps(_learner(learner, features, outputs), separators=(",", ":")).encode()
    except (KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a model of XGBoost: {type(error).__name__} {error}") from error


def _learner(learner: Any, features: int, outputs: int) -> dict[str, Any]:
    shape, booster = learner["learner_model_param"], learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise ValueError(f"the booster is {booster['name']!r}; trees only are stored")
    known = {"num_feature": features, "num_class": 0 if outputs == 1 else outputs, "num_target": 1}
    if any(int(shape[name]) != value for name, value in known.items()):
        raise ValueError(f"the model is not one of {features} features and {outputs} outputs")
    scores = [float(score) for score in json.loads(shape["base_score"])]
    if len(scores) not in (1, outputs):
        raise ValueError(f"{len(scores)} base scores for {outputs} outputs")
    shown = "[" + ",".join(map(repr, scores)) + "]"
    return {
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {"model": _model(booster["model"], features, outputs)}
            | {"name": "gbtree"},
            "learner_model_param": {name: str(value) for name, value in known.items()}
            | {"base_score": shown, "boost_from_average": "1"},
            "objective": _objective(learner["objective"], outputs),
        },
        "version": [3, 0, 0],
    }


def _objective(given: Any, outputs: int) -> dict[str, Any]:
    name = given["name"]
    if not _OBJECTIVE(name) or (outputs > 1) != name.startswith("multi:"):
        raise ValueError(f"the objective is {name[:40]!r}")
    found = {key: _plain(value) for key, value in given.items() if key.endswith("_param")}
    if name.startswith("multi:"):
        found["softmax_multiclass_param"] = {"num_class": str(outputs)}
    return {"name": name} | found


def _plain(values: Any) -> dict[str, str]:
    return {str(key): repr(float(value)) for key, value in values.items()}


def _model(model: Any, features: int, outputs: int) -> dict[str, Any]:
    trees = [_tree(tree, number, features) for number, tree in enumerate(model["trees"])]
    groups = [int(group) for group in model["tree_info"]]
    rounds = [int(place) for place in model["iteration_indptr"]]
    if len(groups) != len(trees) or not all(0 <= group < outputs for group in groups):
        raise ValueError("a tree is of no output")
    if rounds[0] != 0 or rounds[-1] != len(trees) or sorted(rounds) != rounds:
        raise ValueError("the rounds are not those of the trees")
    parallel = int(model["gbtree_model_param"]["num_parallel_tree"])
    return {
        "gbtree_model_param": {"num_parallel_tree": str(parallel), "num_trees": str(len(trees))},
        "iteration_indptr": rounds,
        "tree_info": groups,
        "trees": trees,
        "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
    }


def _tree(tree: Any, number: int, features: int) -> Tree:
    """The nodes that can be reached, numbered anew: pruned ones are left in the arrays."""
    if any(tree["split_type"]) or int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise ValueError(f"tree {number} has categorical splits or vectors in its leaves")
    nodes = _nodes(tree, features)
    count = len(nodes)
    found: Tree = {name: [] for name in ("left_children", "right_children", "split_indices")}
    found |= {"split_conditions": [], "default_left": []}
    parents = [_NO_PARENT] * count
    for own, (place, left, right) in enumerate(nodes):
        found["left_children"].append(left)
        found["right_children"].append(right)
        found["split_indices"].append(int(tree["split_indices"][place]) if left > 0 else 0)
        found["split_conditions"].append(float(tree["split_conditions"][place]))
        found["default_left"].append(int(bool(tree["default_left"][place])))
        for child in (left, right) if left > 0 else ():
            parents[child] = own
    sizes = {"num_nodes": count, "num_feature": features, "num_deleted": 0, "size_leaf_vector": 1}
    return found | {
        "id": number,
        "parents": parents,
        "split_type": [0] * count,
        # what training keeps of the nodes, which no prediction needs
        **{name: [0.0] * count for name in ("base_weights", "loss_changes", "sum_hessian")},
        **{name: [] for name in _EMPTY},
        "tree_param": {name: str(size) for name, size in sizes.items()},
    }


def _nodes(tree: Any, features: int) -> list[tuple[int, int, int]]:
    """Old place, and new numbers of the two below (-1 of a leaf), in the order of the levels."""
    left, right, columns = (tree[n] for n in ("left_children", "right_children", "split_indices"))
    waiting, seen, found = [0], {0}, list[tuple[int, int, int]]()
    for place in waiting:  # which grows meanwhile
        below = (int(left[place]), int(right[place]))
        if below == (-1, -1):
            found.append((place, -1, -1))
            continue
        if not (0 <= int(columns[place]) < features) or min(below) < 0 or len({*below} - seen) < 2:
            raise ValueError("a tree points outside its nodes or the columns")
        found.append((place, len(waiting), len(waiting) + 1))
        waiting += below
        seen |= {*below}
    return found
