"""Encoded rows around the thresholds of trees, for a proof."""

import numpy as np

from rookery.serving.predictor.interface import Array, Floats
from rookery.serving.predictor.leaves import Nodes
from rookery.serving.predictor.trees import Trees

TRIES = 2000  # of a model; so many of its nodes, or each of fewer nodes several times
LARGEST = np.finfo(np.float32).max


def around_thresholds(trees: Trees, encoded: Floats) -> Floats:
    """Rows that come to a node with a value at its threshold, one step below it and one above.

    A step is one of float32 where the trees compare float32. NaN is tried where they take it.
    """
    nodes = trees.nodes
    inner = np.flatnonzero((nodes.feature >= 0) & (np.abs(nodes.threshold) < LARGEST))
    chosen = inner[np.linspace(0, len(inner) - 1, min(len(inner), TRIES)).astype(np.intp)]
    # with other rows: the leaves below may say the same of one
    chosen = np.tile(chosen, TRIES // max(1, len(chosen)))
    X = _reaching(nodes, chosen, encoded.take(np.arange(len(chosen)) % len(encoded), axis=0))
    at: Array = nodes.threshold[chosen].astype(np.float32 if trees.single else np.float64)
    below, above = np.array([-np.inf, np.inf], dtype=at.dtype)
    values = [at, np.nextafter(at, below), np.nextafter(at, above)]
    values += [np.full(len(at), np.nan)] if trees.missing else []
    X = np.tile(X, (len(values), 1))
    X[np.arange(len(X)), np.tile(nodes.feature[chosen], len(values))] = np.concatenate(values)
    return np.concatenate([encoded, X])


def _reaching(nodes: Nodes, chosen: Array, X: Floats) -> Floats:
    """Rows changed as little as it takes for each to come to its chosen node."""
    parents = np.full(len(nodes.feature), -1)
    inner = np.flatnonzero(nodes.feature >= 0)
    parents[nodes.left[inner]] = parents[nodes.right[inner]] = inner
    low, high = np.full(X.shape, -np.inf), np.full(X.shape, np.inf)
    row, node = np.arange(len(chosen)), chosen
    while (below := parents[node] >= 0).any():
        row, node = row[below], node[below]
        parent = parents[node]
        place, threshold = (row, nodes.feature[parent]), nodes.threshold[parent]
        left = nodes.left[parent] == node
        high[place] = np.where(left, np.minimum(high[place], threshold), high[place])
        low[place] = np.where(left, low[place], np.maximum(low[place], threshold))
        node = parent
    between = np.where(np.isfinite(high), low / 2 + high / 2, low + 1)
    between = np.where(np.isfinite(low), between, high)
    # a threshold of infinity parts the missing values from all others
    between = np.where((low == np.inf) | (high == -np.inf), np.nan, between)
    return np.where((low < X) & (high >= X), X, between)
