"""What a compiled estimator is: an encoded matrix in, raw values out."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rookery.serving.predictor.interface import Array, Floats


class Model(Protocol):
    """The arithmetic of an estimator, up to the raw values that a link turns into answers.

    `arrays` and `options` are all it is made of.
    """

    path: str
    features: int
    columns: int
    arrays: dict[str, Array]
    options: dict[str, Any]

    def raw(self, X: Floats) -> Floats:
        """Raw values, (rows, columns).

        Raises:
            ValueError: a value that the estimator refuses, such as NaN.
        """
        ...


@dataclass(frozen=True)
class Linked:
    """A model, and how its raw values become answers."""

    model: Model
    link: str
    parameters: Floats


def kind(found: Any) -> str:
    """The type's name; with its module, which no reader knows, if it is a stranger's."""
    cls = type(found)
    known = cls.__module__.startswith("sklearn.") or cls.__module__ == "rookery.core.derived"
    return str(cls.__name__ if known else f"{cls.__module__}.{cls.__qualname__}")


def check_finite(X: Array, *, missing: bool = False) -> None:
    """Refuses what scikit-learn's own check refuses; `missing` lets NaN pass.

    Raises:
        ValueError: NaN, or an infinite value.
    """
    # the sum is finite unless a value is not (or it overflows): one pass, nothing allocated
    if not math.isfinite(np.add.reduce(X, axis=None)):
        refused = np.isinf(X) if missing else ~np.isfinite(X)
        if refused.any():
            raise ValueError("a value is missing, or too large, for this model")


def linked(model: Model, link: str, *parameters: float) -> Linked:
    return Linked(model, link, np.array(parameters or (1.0,), dtype=np.float64))
