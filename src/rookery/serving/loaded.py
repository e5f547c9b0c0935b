"""A version that answers, with all that an answer needs."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from rookery.core.records import RecordReader, Row
from rookery.core.served import Description
from rookery.serving.predictor.interface import Predictor
from rookery.serving.rendering import Renderer

Via = Literal["alias", "stage", "package"]
# how long the event loop may be held up by one call
QUICK_SECONDS = 0.002
TRIED_ROWS = 64


@dataclass(frozen=True)
class Loaded:
    """Never changed, only replaced: what a request holds is one version to its end.

    `quick_rows` is how many rows it predicts so fast that the event loop need not leave them to a
    thread; 0 for a slow model.
    """

    description: Description
    predictor: Predictor
    reader: RecordReader
    via: Via
    alias: str | None  # None where a packaged version carried none
    link: str | None
    at: datetime
    quick_rows: int

    @cached_property
    def renderer(self) -> Renderer:
        one = self.description
        return Renderer(one.name, one.version, one.classes, one.labels or ())

    @cached_property
    def names(self) -> list[str]:
        return [field.name for field in self.description.fields]

    @property
    def identity(self) -> tuple[str, int]:
        return self.description.version, self.description.registered


def loaded_of(
    description: Description,
    predictor: Predictor,
    *,
    strict: bool,
    via: Via,
    alias: str | None,
    link: str | None,
) -> Loaded:
    """A version that is ready to answer."""
    return Loaded(
        description=description,
        predictor=predictor,
        reader=description.reader(strict=strict),
        via=via,
        alias=alias,
        link=link,
        at=datetime.now(UTC),
        quick_rows=_quick_rows(predictor, description.example_row),
    )


def _quick_rows(predictor: Predictor, row: Row | None) -> int:
    if row is None or _seconds(predictor, [row]) > QUICK_SECONDS:
        return 0
    return int(TRIED_ROWS * QUICK_SECONDS / _seconds(predictor, [row] * TRIED_ROWS))


def _seconds(predictor: Predictor, rows: list[Row]) -> float:
    """The best of a few, because a machine may be busy."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        predictor.predict(rows)
        taken.append(time.perf_counter() - started)
    return min(taken)
