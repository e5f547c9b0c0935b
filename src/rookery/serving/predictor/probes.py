"""Rows that a proof asks with: ordinary ones, and whatever could be treated differently."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rookery.core.records import RecordField, Row
from rookery.core.values import LARGEST_WHOLE
from rookery.serving.predictor.encoding import Plan, Table

ROWS = 300
UNKNOWN = "\u2047 never seen"
START = datetime(1990, 1, 1, tzinfo=UTC).replace(tzinfo=None)
EXTREMES: dict[str, list[Any]] = {
    "float": [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-30, -1e6, 1e15],
    "integer": [0, 1, -1, 10**6, LARGEST_WHOLE],
    "boolean": [True, False],
    "text": ["", "\u00e9\u65e5", "x" * 300],
    "category": ["", UNKNOWN],
    "date": [START.replace(year=1), START.replace(year=2000, month=2, day=29, hour=23)],
}
ALL = (-float("inf"), float("inf"))
HUGE = (1e39, -1e39, 1.7e308)  # beyond float32, and nearly beyond float64


def probing_rows(fields: Sequence[RecordField], plan: Plan, example: Row | None) -> list[list[Row]]:
    """Batches of rows, the first of them ordinary; gaps, extremes and the huge apart.

    A gap makes its column one of another type, and an estimator may refuse what is huge.
    """
    draw = random.Random(0)  # noqa: S311
    known = [_known(index, field, plan) for index, field in enumerate(fields)]

    def drawn(*changed: tuple[int, Any]) -> Row:
        row = [_value(field, values, draw) for field, values in zip(fields, known, strict=True)]
        for index, value in changed:
            row[index] = value
        return tuple(row)

    columns, usual = list(enumerate(fields)), [drawn() for _ in range(ROWS)]
    gaps = [drawn((index, None)) for index, _ in columns for _ in range(2)]
    odd = [drawn((index, value)) for index, field in columns for value in _odd(field)]
    huge = [drawn((index, value)) for index, field in columns for value in _huge(field)]
    batches = [usual, gaps, odd, huge, [tuple(None for _ in fields)]]
    batches += [[example]] if example else []
    return [batch for batch in batches if batch]


def _known(index: int, field: RecordField, plan: Plan) -> list[Any]:
    """Values that the field may have, as far as the task or the encoder lists them."""
    if field.values:
        return list(field.values)
    tables = [part for part in plan.output if isinstance(part, Table) and part.field == index]
    values = [value for table in tables for value in table.values]
    whole = field.type == "integer"
    return [int(value) if whole and isinstance(value, float) else value for value in values]


def _value(field: RecordField, known: list[Any], draw: random.Random) -> Any:
    if field.type == "boolean":
        return draw.random() < 0.5
    if known:
        return draw.choice(known)
    if field.type == "date":
        return START + timedelta(minutes=draw.randrange(40 * 365 * 24 * 60))
    if field.type in ("category", "text"):
        return field.example or "".join(draw.choices("ab \u00e9", k=draw.randrange(9)))
    if field.range:
        number = draw.uniform(*field.range)
    else:
        usual = field.example or 0
        number = draw.gauss(usual, abs(usual) or 1)
    return round(number) if field.type == "integer" else number


def _odd(field: RecordField) -> list[Any]:
    """Unusual values that a validated row can hold."""
    if field.values:
        return []
    if field.type not in ("float", "integer"):
        return EXTREMES[field.type]
    low, high = field.range or ALL
    ends = list(field.range or ())
    if field.type == "integer":
        ends = [round(end) for end in ends]
    return [*ends, *(value for value in EXTREMES[field.type] if low <= value <= high)]


def _huge(field: RecordField) -> list[float]:
    low, high = field.range or ALL
    is_open = field.type == "float" and not field.values
    return [value for value in HUGE if low <= value <= high] if is_open else []
