"""What is known of a served version besides its pipeline: plain data, apart from how it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rookery.core.records import RecordField, RecordReader, Row


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
class Description:
    """One version of a registered model, as a caller sees it.

    `ignored` are columns of the task that a raw row may carry although the model does not use
    them. `labels` is what a classifier may say, None for a regressor; `classes` are its labels in
    the order of the probabilities, empty where it has none.
    """

    name: str
    version: str
    registered: int  # when the version was made: a number can come again after a deletion
    model_digest: str  # SHA-256 of its file
    title: str
    fields: tuple[RecordField, ...]
    ignored: tuple[str, ...]
    target: RecordField | None
    classes: tuple[Any, ...]
    labels: tuple[Any, ...] | None
    lineage: Lineage

    def reader(self, *, strict: bool) -> RecordReader:
        return RecordReader(self.fields, ignored=self.ignored, strict=strict)

    @property
    def example(self) -> dict[str, Any]:
        """A record that the model answers."""
        return {field.name: field.example for field in self.fields if field.example is not None}

    @cached_property
    def example_row(self) -> Row | None:
        """The example, read leniently: it is what the model was logged with."""
        return self.reader(strict=False).rows([self.example])[0] if self.example else None

    def answer(self, label: Any, scores: Sequence[float] | None, number: str) -> dict[str, Any]:
        """The answer to one record, `number` being its id."""
        found: dict[str, Any] = {"prediction": label}
        if scores is not None:
            named = zip(self.classes, scores, strict=True)
            found["probabilities"] = {str(one): float(score) for one, score in named}
        return found | {"model": self.name, "version": self.version, "id": number}
