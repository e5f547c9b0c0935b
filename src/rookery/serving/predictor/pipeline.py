"""The plain pipeline, on the frame it was trained with: always right, never fast."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from rookery.core.frames import answers_of, frame_of
from rookery.core.records import RecordField, Row
from rookery.serving.predictor.interface import Outcome


class PipelinePredictor:
    """Asks the pipeline itself; `why` says why nothing faster serves."""

    path = "pipeline"

    def __init__(self, pipeline: Any, fields: Sequence[RecordField], why: str = "") -> None:
        self.transformers, self.estimator = steps_of(pipeline)
        self.fields, self.why = tuple(fields), why
        self.classes = classes_of(pipeline)

    def predict(self, rows: Sequence[Row]) -> Outcome:
        """Raises ValueError for a row that the pipeline refuses."""
        return ask(self.estimator, self.encode(rows))

    def encode(self, rows: Sequence[Row]) -> Any:
        """What reaches the estimator: once for labels and scores, which ask a pipeline twice."""
        X = frame_of(self.fields, rows)
        for transformer in self.transformers:
            X = transformer.transform(X)
        return X


def steps_of(pipeline: Any) -> tuple[list[Any], Any]:
    """Transformers and estimator; all that is not scikit-learn's own Pipeline is an estimator."""
    if type(pipeline) is not Pipeline:
        return [], pipeline
    *transformers, estimator = [step for _, step in pipeline.steps]
    return [step for step in transformers if step not in (None, "passthrough")], estimator


def ask(estimator: Any, X: Any) -> Outcome:
    """What an estimator says of rows in its own form."""
    return Outcome(*answers_of(estimator, X))


def classes_of(estimator: Any) -> tuple[Any, ...]:
    """The labels in the order of the scores; empty for a regressor."""
    classes = getattr(estimator, "classes_", None)
    return tuple(classes.tolist()) if isinstance(classes, np.ndarray) else ()
