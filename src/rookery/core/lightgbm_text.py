"""LightGBM's model text (version 4), read into checked lines and written again.

LightGBM follows the numbers of a tree without a look at their bounds, so a model that comes from
a file is not handed on as it is: it is read here, and what the library gets is what we wrote.
"""

import re
from collections.abc import Iterator

import numpy as np

END = "end of trees"
MOST_FEATURES = 2**20
_NUMBER = re.compile(r"-?(\d+(\.\d*)?([eE][+-]?\d+)?|inf|nan)").fullmatch
_OBJECTIVE = re.compile(r"[a-z0-9_]+( [a-z_]+:[0-9.e+-]+)*").fullmatch
_INNER = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_WHOLE = ("split_feature", "decision_type", "left_child", "right_child")
Lines = dict[str, str]


def checked(text: str, *, features: int, outputs: int) -> str:
    """The same model, of nothing but what predictions need.

    Raises:
        ValueError: a tree points outside its own nodes or the columns, the text is not of so many
            features and outputs, or it holds what we do not store (categorical splits, linear
            leaves).
    """
    head, *trees = re.split(r"^Tree=\d+\n", text.partition(f"\n{END}")[0], flags=re.MULTILINE)
    parts = [_head(head, features, outputs)]
    if len(trees) % outputs:
        raise ValueError(f"{len(trees)} trees for {outputs} outputs")
    for number, tree in enumerate(trees):
        parts.append(f"Tree={number}\n{_tree(_lines(tree), features)}")
    return "\n\n".join([*parts, f"{END}\n"])


def _head(text: str, features: int, outputs: int) -> str:
    if not 1 <= features <= MOST_FEATURES:
        raise ValueError(f"{features} features")
    lines = _lines(text)
    objective = lines.get("objective", "")
    counts = {lines.get("num_class"), lines.get("num_tree_per_iteration")}
    counts |= set(re.findall(r"num_class:(\S+)", objective))
    if counts != {str(outputs)} or lines.get("max_feature_idx") != str(features - 1):
        raise ValueError(f"the model is not one of {features} features and {outputs} outputs")
    if not _OBJECTIVE(objective):
        raise ValueError(f"the objective is {objective[:40]!r}")
    names = " ".join(f"Column_{index}" for index in range(features))
    return "\n".join(
        [
            "tree",
            "version=v4",
            f"num_class={outputs}",
            f"num_tree_per_iteration={outputs}",
            "label_index=0",
            f"max_feature_idx={features - 1}",
            f"objective={objective}",
            *(["average_output"] if "average_output" in lines else []),
            f"feature_names={names}",
            f"feature_infos={' '.join(['none'] * features)}",
        ]
    )


def _lines(text: str) -> Lines:
    """`key=value` lines; of a key without a value the value is empty."""
    found: Lines = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in found:
            raise ValueError(f"{key[:40]} stands twice")
        if key:
            found[key] = value.strip()
    return found


def _tree(lines: Lines, features: int) -> str:
    leaves = int(lines.get("num_leaves", "0"))
    kinds = (lines.get("num_cat"), lines.get("is_linear", "0"))
    if leaves < 1 or kinds != ("0", "0"):
        raise ValueError("a tree without leaves, or with categorical splits or linear leaves")
    values = {name: _numbers(lines, name, leaves - 1) for name in _INNER}
    values |= {
        "leaf_value": _numbers(lines, "leaf_value", leaves),
        "shrinkage": _numbers(lines, "shrinkage", 1),
    }
    _check_nodes({name: np.array(values[name], dtype=np.int64) for name in _WHOLE}, features)
    shown = {name: " ".join(numbers) for name, numbers in values.items()}
    return "\n".join(_written({"num_leaves": str(leaves), "num_cat": "0", **shown}))


def _written(lines: Lines) -> Iterator[str]:
    for key, value in lines.items():
        yield f"{key}={value}"
    yield "is_linear=0"


def _numbers(lines: Lines, name: str, count: int) -> list[str]:
    found = lines.get(name, "").split()
    if len(found) != count or not all(map(_NUMBER, found)):
        raise ValueError(f"{name} does not hold {count} numbers")
    return found


def _check_nodes(nodes: dict[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"], n: int) -> None:
    """Below an inner node only inner nodes of higher number, or leaves: ~leaf, so negative."""
    own = np.arange(len(nodes["left_child"]))
    for name in ("left_child", "right_child"):
        child = nodes[name]
        inner = child >= 0
        if not ((child[inner] > own[inner]) & (child[inner] < len(own))).all():
            raise ValueError(f"a {name} points outside its tree")
        if not (~child[~inner] <= len(own)).all():
            raise ValueError(f"a {name} points at no leaf")
    if not ((nodes["split_feature"] >= 0) & (nodes["split_feature"] < n)).all():
        raise ValueError("a split is on no column")
    # bit 0: categorical; bit 1: where missing goes; bits 2 and 3: what counts as missing
    if not np.isin(nodes["decision_type"], (0, 2, 4, 6, 8, 10)).all():
        raise ValueError("a split of another kind")
