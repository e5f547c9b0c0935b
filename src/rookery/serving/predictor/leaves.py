"""Which leaf of each tree a row reaches.

Small trees: every comparison of a feature with its thresholds is one binary search, and for each
place between two thresholds there is a ready mask, for every tree, of the leaves that can still be
reached; all masks of a row, ANDed, leave the leaf as their lowest bit (Lucchese et al.,
QuickScorer, SIGIR 2015). Large trees: all are walked at once, level by level.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rookery.serving.predictor.interface import Array, Floats

Indices = NDArray[np.int64]
MOST_WORDS = 8  # of 64 leaves, for a tree
MOST_MASKS = 2**22  # words: 32 MB


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees, one after the other, each parent before its children."""

    roots: Array
    feature: Array  # -1 for a leaf
    threshold: Array
    left: Array  # a node of the same arrays; the node itself for a leaf
    right: Array
    missing_left: Array

    def check(self, features: int) -> None:
        """That these are trees, so that a walk ends and stays inside.

        Raises:
            ValueError: they are not.
        """
        count = len(self.feature)
        for name in ("roots", "feature", "left", "right"):
            _check(name, getattr(self, name), np.int64, None if name == "roots" else count)
        _check("threshold", self.threshold, np.float64, count)
        _check("missing_left", self.missing_left, np.bool_, count)
        if len(self.roots) == 0 or self.feature.min() < -1 or self.feature.max() >= features:
            raise ValueError(f"trees over another number of features than {features}")
        own = np.arange(count)
        inner = self.feature >= 0
        children = np.concatenate([self.left[inner], self.right[inner]])
        leaves = ~inner
        if (self.left[leaves] != own[leaves]).any() or (self.right[leaves] != own[leaves]).any():
            raise ValueError("a leaf of a tree has children")
        if (children <= np.tile(own[inner], 2)).any() or (children >= count).any():
            raise ValueError("a node of a tree does not follow its parent")
        if len(self.roots) and (self.roots[0] != 0 or (np.diff(self.roots) <= 0).any()):
            raise ValueError("the roots of the trees do not increase from 0")
        trees = self.trees()
        if (trees[children] != np.tile(trees[inner], 2)).any():
            raise ValueError("a node has a child in another tree")
        # every node is the child of one node, or a root: these are trees, and no node is shared
        if not np.array_equal(np.sort(np.concatenate([children, self.roots])), own):
            raise ValueError("a node of a tree has more or less than one parent")
        if np.isnan(self.threshold).any():
            raise ValueError("a threshold of a tree is not a number")

    def trees(self) -> Indices:
        """The tree of each node."""
        own = np.arange(len(self.feature))
        return np.asarray(np.searchsorted(self.roots, own, side="right") - 1)

    def levels(self) -> list[Array]:
        """The nodes by their depth."""
        found = [self.roots]
        while (inner := found[-1][self.feature[found[-1]] >= 0]).size:
            found.append(np.concatenate([self.left[inner], self.right[inner]]))
        return found


def _check(name: str, array: Array, dtype: type, length: int | None) -> None:
    if array.dtype != dtype or array.ndim != 1 or length not in (None, len(array)):
        raise ValueError(f"{name} of the trees: {array.dtype} {array.shape}")


class LeafFinder(Protocol):
    """Finds leaves; `order` are the nodes that its answers are indices of."""

    order: Indices

    def leaves(self, X: Floats) -> Indices:
        """The leaf in each tree (first axis) of each row (second axis)."""
        ...


def leaf_finder(nodes: Nodes) -> LeafFinder:
    """The way of finding leaves that suits the trees."""
    inner = nodes.feature >= 0
    places = np.unique(np.stack([nodes.feature[inner], nodes.threshold[inner]]), axis=1).shape[1]
    leaves = int(np.bincount(nodes.trees()[~inner]).max())
    words = -(-leaves // 64)
    if words <= MOST_WORDS and (places + 3) * len(nodes.roots) * words <= MOST_MASKS:
        return Masks(nodes, leaves)
    return Walk(nodes)


class Masks:
    """For small trees; `leaves` is how many the largest has."""

    def __init__(self, nodes: Nodes, leaves: int) -> None:
        # the fewer bytes a mask has, the faster it is read
        self._bits = next(bits for bits in (8, 16, 32, 64) if leaves <= bits or bits == 64)
        self._words = -(-leaves // self._bits)
        self._type = np.dtype(f"uint{self._bits}").type
        first, size = _leaves_below(nodes)
        trees = nodes.trees()
        ends = np.flatnonzero(nodes.feature < 0)
        self.order = ends[np.lexsort([first[ends], trees[ends]])]
        self._starts = np.searchsorted(trees[self.order], np.arange(len(nodes.roots)))
        self._searches: list[tuple[int, Floats, int]] = []
        tables: list[Array] = []
        inner = np.flatnonzero(nodes.feature >= 0)
        for feature in np.unique(nodes.feature[inner]).tolist() or [0]:
            here = inner[nodes.feature[inner] == feature]
            # going right rules out the leaves on the left
            masks = self._without(first[here], size[nodes.left[here]])
            places, table = self._of_feature(nodes, here, masks, trees)
            self._searches.append((feature, places, sum(len(table) for table in tables)))
            tables.append(table)
        self._table = np.concatenate(tables)

    def leaves(self, X: Floats) -> Indices:
        reached: Array | None = None
        for feature, places, start in self._searches:
            rows = places.searchsorted(X[:, feature], side="right")
            masks = self._table.take(rows + start, axis=0)
            reached = masks if reached is None else np.bitwise_and(reached, masks, out=reached)
        assert reached is not None
        found: Array | None = None
        for word in reversed(range(self._words)):
            masks = reached[:, word * len(self._starts) : (word + 1) * len(self._starts)]
            lowest = masks & (~masks + self._type(1))
            leaf = np.bitwise_count(lowest - self._type(1)) + (self._starts + word * self._bits)
            found = leaf if found is None else np.where(masks != 0, leaf, found)
        assert found is not None
        return found.T

    def _without(self, first: Indices, count: Indices) -> Array:
        """Masks (nodes, words) of all leaves but `count` from `first` on."""
        leaf = np.arange(self._words * self._bits)
        kept = (leaf < first[:, np.newaxis]) | (leaf >= (first + count)[:, np.newaxis])
        packed = np.packbits(kept, axis=1, bitorder="little")
        return packed.view(np.dtype(self._type).newbyteorder("<")).astype(self._type)

    def _of_feature(
        self, nodes: Nodes, here: Indices, masks: Array, trees: Indices
    ) -> tuple[Floats, Array]:
        """The places of a feature's thresholds, and the masks before, between and after them.

        The last row is for NaN, which a search puts behind everything.
        """
        threshold = nodes.threshold[here]
        # a threshold of infinity parts the missing values from all others
        finite = threshold < np.inf
        places = np.unique(threshold[finite])
        full = np.array(~self._type(0))
        table = np.full((len(places) + 2, self._words, len(nodes.roots)), full)
        after = np.searchsorted(places, threshold[finite]) + 1
        _rule_out(table, after, trees[here[finite]], masks[finite])
        table[:-1] = np.bitwise_and.accumulate(table[:-1], axis=0)
        right = ~nodes.missing_left[here]
        last = np.full(int(right.sum()), len(places) + 1)
        _rule_out(table, last, trees[here[right]], masks[right])
        # above a threshold is at or above the next number
        places = np.append(np.nextafter(places, np.inf), np.nan)
        return places, table.reshape(len(table), -1)


def _rule_out(table: Array, rows: Indices, trees: Indices, masks: Array) -> None:
    """ANDs masks (nodes, words) into a table (rows, words, trees)."""
    words = np.arange(table.shape[1])
    places: Any = (rows[:, np.newaxis], words, trees[:, np.newaxis])
    np.bitwise_and.at(table, places, masks)


def _leaves_below(nodes: Nodes) -> tuple[Indices, Indices]:
    """For each node, the number of the first leaf below it in its tree, and how many there are."""
    size = np.ones(len(nodes.feature), dtype=np.int64)
    first = np.zeros(len(nodes.feature), dtype=np.int64)
    levels = [level[nodes.feature[level] >= 0] for level in nodes.levels()]
    for level in reversed(levels):
        size[level] = size[nodes.left[level]] + size[nodes.right[level]]
    for level in levels:
        first[nodes.left[level]] = first[level]
        first[nodes.right[level]] = first[level] + size[nodes.left[level]]
    return first, size


class Walk:
    """For large trees."""

    def __init__(self, nodes: Nodes) -> None:
        self.order = np.arange(len(nodes.feature))
        self._roots, self._depth = nodes.roots, len(nodes.levels()) - 1
        self._feature = np.maximum(nodes.feature, 0)
        self._threshold = nodes.threshold
        self._missing_left = nodes.missing_left
        self._children = np.stack([nodes.left, nodes.right], axis=1).ravel()

    def leaves(self, X: Floats) -> Indices:
        missing = bool(np.isnan(X.sum()))
        flat, starts = X.ravel(), np.arange(0, X.size, X.shape[1])
        node = np.repeat(self._roots[:, np.newaxis], len(X), axis=1)
        for _ in range(self._depth):
            value = flat.take(self._feature.take(node) + starts)
            right = ~(value <= self._threshold.take(node))
            if missing:
                right &= ~(np.isnan(value) & self._missing_left.take(node))
            node = self._children.take(2 * node + right)
        return node
