"""The predictions of a large request, kept by column: a text for each would cost it its speed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rookery.serving.ids import nth, series
from rookery.serving.predictor.interface import Outcome
from rookery.serving.rendering import Renderer, records


class Entry(NamedTuple):
    """A prediction; the time is in microseconds since 1970, input and output are JSON."""

    id: str
    at: int
    model: str
    version: str
    input: str | bytes
    output: str | bytes
    seconds: float


# the same; the garbage collector forgets a plain tuple of texts, and looks at any other for ever
Fields = tuple[str, int, str, str, str | bytes, str | bytes, float]


@dataclass(frozen=True, slots=True)
class Rows:
    """Predictions of one request by one version; their ids count up from `first`.

    `names` are the columns of `rows`, `classes` those of `scores`.
    """

    first: str
    at: int
    model: str
    version: str
    seconds: float
    names: Sequence[str]
    classes: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    labels: list[Any]
    scores: list[list[float]] | None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> "Rows":
        """Neighbours among them, with the ids that they have."""
        return replace(
            self,
            first=nth(self.first, part.start or 0),
            rows=self.rows[part],
            labels=self.labels[part],
            scores=self.scores[part] if self.scores is not None else None,
        )

    def fields(self) -> list[Any]:
        """All of it, in the order in which the constructor takes it."""
        return [getattr(self, name) for name in self.__slots__]

    def entries(self) -> list[Fields]:
        """Each by itself, as the table holds it, in the order of `Entry`."""
        numbers = series(self.first, len(self))
        inputs = records(self.names, self.rows)
        renderer = Renderer(self.model, self.version, self.classes)
        outcome = Outcome(self.labels, self.scores)
        shared = (self.at, self.model, self.version)
        return [
            (number, *shared, given, said, self.seconds)
            for number, given, said in zip(
                numbers, inputs, renderer.answers(outcome, numbers), strict=True
            )
        ]
