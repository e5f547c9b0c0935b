"""The plain pipeline, on the frame it was trained with: always right, never fast."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rookery.core.frames import answers_of, frame_of
from rookery.core.records import RecordField, Row
from rookery.serving.predictor.interface import Outcome


class PipelinePredictor:
    """Asks the pipeline itself; `why` says why nothing faster serves."""

    path = "pipeline"

    def __init__(self, pipeline: Any, fields: Sequence[RecordField], why: str = "") -> None:
        self.pipeline, self.fields, self.why = pipeline, tuple(fields), why
        self.classes = classes_of(pipeline)

    def predict(self, rows: Sequence[Row]) -> Outcome:
        """Raises ValueError for a row that the pipeline refuses."""
        return ask(self.pipeline, frame_of(self.fields, rows))


def ask(estimator: Any, X: Any) -> Outcome:
    """What an estimator says of rows in its own form."""
    return Outcome(*answers_of(estimator, X))


def classes_of(estimator: Any) -> tuple[Any, ...]:
    """The labels in the order of the scores; empty for a regressor."""
    classes = getattr(estimator, "classes_", None)
    return tuple(classes.tolist()) if isinstance(classes, np.ndarray) else ()
