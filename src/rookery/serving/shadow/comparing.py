"""What the answers of two versions to the same rows have in common."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rookery.core.records import Fault, InvalidRecords, RecordField, Row
from rookery.serving.loaded import Loaded


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows, in the order of a version's fields, and the labels that it gave them."""

    by: Loaded
    rows: Sequence[Row]
    labels: Sequence[Any]


class NotComparable(ValueError):
    """The shadow does not take these rows, or answers another kind of question."""


class NoAnswer(ValueError):
    """One of the two has no finite number for some row."""


def rows_of(answered: Answered, shadow: Loaded) -> Sequence[Row]:
    """The rows as the shadow's own reader takes them.

    Raises:
        NotComparable: it refuses one; the message holds no value of it, for anybody may read it.
    """
    first, second = answered.by.description, shadow.description
    if (first.labels is None) != (second.labels is None):
        raise NotComparable("one version is a classifier and the other a regressor")
    if _shape(first.fields) == _shape(second.fields):
        return answered.rows
    names = answered.by.names
    try:
        return shadow.reader.rows([dict(zip(names, row, strict=True)) for row in answered.rows])
    except InvalidRecords as error:
        raise refusal(error, shadow) from None


def refusal(error: InvalidRecords, shadow: Loaded) -> NotComparable:
    """Why the shadow does not take a row, without a value of it."""
    return NotComparable(_reason(error.faults[0], shadow))


def _shape(fields: Sequence[RecordField]) -> list[tuple[Any, ...]]:
    return [(one.name, one.type, one.required, one.values, one.range) for one in fields]


def _reason(fault: Fault, shadow: Loaded) -> str:
    version = shadow.description.version
    return f"version {version} does not take {fault.field}; allowed: {fault.allowed}"


def agreements(answered: Answered, labels: Sequence[Any]) -> int:
    """How many labels are the same."""
    return sum(map(_same, answered.labels, labels))


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)


def difference(answered: Answered, labels: Sequence[Any]) -> float:
    """The sum of how far the numbers are apart.

    Raises:
        NoAnswer: it is not a finite number.
    """
    pairs = zip(answered.labels, labels, strict=True)
    found = math.fsum(abs(float(one) - float(other)) for one, other in pairs)
    if not math.isfinite(found):
        raise NoAnswer("an answer is not a finite number")
    return found
