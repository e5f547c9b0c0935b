"""Compiled encoding, then the estimator's own predict on the dense matrix."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from rookery.core.records import Row
from rookery.serving.predictor.encoding import Encoder
from rookery.serving.predictor.interface import Outcome
from rookery.serving.predictor.pipeline import ask, classes_of


class EstimatorPredictor:
    """For estimators without a compiled form; `why` names it."""

    path = "estimator"

    def __init__(self, encoder: Encoder, estimator: Any, why: str) -> None:
        self.encoder, self.why = encoder, why
        self.classes = classes_of(estimator)
        self._estimator = nameless(estimator)

    def predict(self, rows: Sequence[Row]) -> Outcome:
        """Raises ValueError for a row that the pipeline refuses."""
        with np.errstate(all="ignore"):
            X = self.encoder.encode(rows)
        return ask(self._estimator, X)


def nameless(estimator: Any) -> Any:
    """The estimator, or a copy without its columns' names: scikit-learn would warn at each call."""
    if not hasattr(estimator, "feature_names_in_"):
        return estimator
    forgetful = copy.copy(estimator)
    del forgetful.feature_names_in_
    return forgetful
