"""Ensembles of trees, as packed arrays: which leaf each row reaches, and the sum of their values.

Rows are compared as scikit-learn does: as float32 (where `single`) with float64 thresholds, at or
below goes left, NaN goes where training sent it. Values are added tree by tree, in scikit-learn's
order, so that the sums are the same to the last bit, alone and in a batch.
"""

from typing import Any

import numpy as np

from rookery.serving.predictor.interface import Array, Floats
from rookery.serving.predictor.leaves import Nodes, leaf_finder
from rookery.serving.predictor.model import check_finite

MOST_VALUES = 2**19  # of one chunk of rows: 4 MB


class Trees:
    """An ensemble; `arrays` are those of Nodes and `values`, (nodes, columns).

    With the option `columns` above 1, trees take turns: each adds its one value to one column.

    Raises:
        ValueError: what they hold is no forest.
    """

    path = "trees"

    def __init__(self, arrays: dict[str, Array], options: dict[str, Any]) -> None:
        values = arrays["values"]
        nodes = Nodes(**{name: array for name, array in arrays.items() if name != "values"})
        self.features = int(options["features"])
        nodes.check(self.features)
        if values.dtype != np.float64 or values.ndim != 2 or len(values) != len(nodes.feature):
            raise ValueError(f"values of {len(nodes.feature)} nodes: {values.dtype} {values.shape}")
        if set(options) != {"features", "single", "missing", "columns"}:
            raise ValueError(f"options of trees: {sorted(options)}")
        self._turns = int(options["columns"])
        if (
            self._turns < 1
            or len(nodes.roots) % self._turns
            or min(self._turns, values.shape[1]) > 1
        ):
            raise ValueError(f"{len(nodes.roots)} trees for {self._turns} columns")
        self.arrays, self.options, self.nodes = arrays, options, nodes
        self.columns = max(self._turns, values.shape[1])
        self.single, self.missing = bool(options["single"]), bool(options["missing"])
        finder = leaf_finder(nodes)
        self._leaves, self._values = finder.leaves, values[finder.order]
        self._chunk = max(1, MOST_VALUES // (len(nodes.roots) * max(values.shape[1], 4)))

    def raw(self, X: Floats) -> Floats:
        if self.single:
            X = X.astype(np.float32).astype(np.float64)
            check_finite(X, missing=self.missing)
        if len(X) <= self._chunk:
            return self._sums(X)
        starts = range(0, len(X), self._chunk)
        return np.concatenate([self._sums(X[start : start + self._chunk]) for start in starts])

    def _sums(self, X: Floats) -> Floats:
        values = self._values.take(self._leaves(X), axis=0)  # (trees, rows, columns)
        if self._turns > 1:
            sums = values.reshape(-1, self._turns, len(X)).sum(axis=0)
            # a softmax adds the columns of a row in another order where they lie apart
            return np.ascontiguousarray(sums.T)
        if values[0].size == 1:
            # sum() of one row of numbers would add them by pairs
            return np.asarray(np.add.accumulate(values, axis=0)[-1])
        return np.asarray(values.sum(axis=0))
