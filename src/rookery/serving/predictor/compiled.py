"""The compiled predictor: encoder, model and link, in NumPy alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rookery.core.records import Row
from rookery.serving.predictor.encoding import Encoder
from rookery.serving.predictor.interface import Floats, Outcome
from rookery.serving.predictor.links import CLASSIFIERS, REGRESSORS, check_link
from rookery.serving.predictor.model import Linked


class Compiled:
    """Answers as the pipeline does that its parts were read from.

    Raises:
        ValueError: the parts do not fit together.
    """

    why = ""

    def __init__(self, encoder: Encoder, linked: Linked, classes: Sequence[Any]) -> None:
        model = linked.model
        if encoder.plan.width != model.features:
            raise ValueError(f"{encoder.plan.width} columns for {model.features} features")
        check_link(linked.link, model.columns, len(classes), linked.parameters)
        self.encoder, self.linked = encoder, linked
        self.path, self.classes = model.path, tuple(classes)
        self._raw, self._parameters = model.raw, linked.parameters
        self._link = (CLASSIFIERS if classes else REGRESSORS)[linked.link]

    def predict(self, rows: Sequence[Row]) -> Outcome:
        """Raises ValueError for a row that the pipeline refuses."""
        with np.errstate(all="ignore"):  # what overflows is refused, or is what it should be
            return self.answer(self.encoder.encode(rows))

    def answer(self, X: Floats) -> Outcome:
        """Answers encoded rows."""
        found, scores = self._link(self._raw(X), self._parameters)
        labels = found.tolist()
        if self.classes:
            labels = [self.classes[index] for index in labels]
        return Outcome(labels, None if scores is None else scores.tolist())
