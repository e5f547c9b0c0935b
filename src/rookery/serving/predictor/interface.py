"""What every predictor is: rows in, labels and scores out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rookery.core.records import Row

Floats = NDArray[np.float64]
Array = NDArray[Any]


class NotCompiled(Exception):
    """A pipeline holds what has no compiled form; the message names it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Labels as `pipeline.predict` gives them; scores in the order of the predictor's classes."""

    labels: list[Any]
    scores: list[list[float]] | None


class Predictor(Protocol):
    """Answers rows.

    `path` is how: linear, trees, estimator or pipeline; `why` says why no faster one serves.
    `classes` is empty for a regressor.
    """

    @property
    def path(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def classes(self) -> tuple[Any, ...]: ...

    def predict(self, rows: Sequence[Row]) -> Outcome:
        """One label a row.

        Raises:
            ValueError: a row that the pipeline itself refuses.
        """
        ...
