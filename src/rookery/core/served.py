"""A model that is ready to answer: pipeline, typed input, and where it came from."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.records import RecordField, RecordReader
from rookery.core.task import Task


@dataclass(frozen=True)
class Lineage:
    """What an answer can be derived again from."""

    run_id: str | None
    digest: str | None  # of the clean rows it was trained on
    commit: str | None
    metrics: dict[str, float]
    libraries: dict[str, str]
    family: str | None


@dataclass(frozen=True)
class ServedModel:
    """One loaded model version; immutable, so that a swap is one assignment."""

    name: str
    version: str
    alias: str
    pipeline: Any
    fields: tuple[RecordField, ...]
    task: Task | None
    lineage: Lineage

    @property
    def ignored(self) -> list[str]:
        """Columns of the task that a raw row may carry although the model does not use them."""
        if self.task is None:
            return []
        used = {field.name for field in self.fields}
        return [name for name in self.task.columns if name not in used | {self.task.target}]

    @cached_property
    def classes(self) -> list[Any]:
        """The labels in the order of the probabilities; empty for a regressor."""
        if not hasattr(self.pipeline, "predict_proba"):
            return []
        return [_plain(label) for label in self.pipeline.classes_]

    def reader(self, *, strict: bool) -> RecordReader:
        return RecordReader(self.fields, ignored=self.ignored, strict=strict)

    def predict(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """One answer a row, each with an id of its own.

        The label is what `pipeline.predict` says, which need not be the most probable one.
        """
        labels = np.asarray(self.pipeline.predict(frame))
        scores = self.pipeline.predict_proba(frame) if self.classes else None
        answers = []
        for row, label in enumerate(labels.tolist()):
            answer: dict[str, Any] = {"prediction": label}
            if scores is not None:
                answer["probabilities"] = _named(self.classes, scores[row])
            answers.append(
                answer | {"model": self.name, "version": self.version, "id": str(uuid.uuid4())}
            )
        return answers


def _named(classes: Sequence[Any], scores: Any) -> dict[str, float]:
    return {str(label): float(score) for label, score in zip(classes, scores, strict=True)}


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
