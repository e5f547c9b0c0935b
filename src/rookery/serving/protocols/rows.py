"""What the protocols share: records as the one validator takes them, and how they are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rookery.core.records import Fault, RecordField
from rookery.serving.bodies import most_columns
from rookery.serving.problems import Problem, ProblemError, invalid

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Columns:
    """Rows by column, each as long as `count` says: faster to check than as many records."""

    values: Mapping[str, Sequence[Any]]
    count: int


Given = Records | Columns


def as_records(given: Given) -> Records:
    """What a parser returned, record by record, as the one validator takes it."""
    if not isinstance(given, Columns):
        return given
    names = tuple(given.values)
    # a strict zip would cost half as much again: the parsers have checked the lengths
    rows = zip(*given.values.values(), strict=False)
    return [dict(zip(names, row, strict=False)) for row in rows]


def without_gaps(given: Given, fields: Sequence[RecordField], ignored: Sequence[str]) -> Given:
    """The same, with None for NaN and NaT where a value may be missing.

    A DataFrame and a tensor of floats have no other way to say it; where the value is required,
    it stays, to be refused.
    """
    gappy = {field.name: field.type == "date" for field in fields if not field.required}
    gappy |= dict.fromkeys(ignored, False)
    if isinstance(given, Columns):
        read = {
            name: [None if _is_gap(value, gappy[name]) else value for value in values]
            for name, values in given.values.items()
            if name in gappy
        }
        return Columns({**given.values, **read}, given.count)
    for record in given:
        for name in gappy.keys() & record.keys() if isinstance(record, dict) else ():
            if _is_gap(record[name], gappy[name]):
                record[name] = None
    return given


def _is_gap(value: Any, is_date: bool) -> bool:
    return value != value or (is_date and value == "NaT")


def check_count(count: int, most: int) -> None:
    """Lets pass what may be predicted in one request.

    Raises:
        Problem: 422 for no rows, 413 for more than `most`.
    """
    if count < 1:
        raise refused("body", "no rows", "at least one row")
    if count > most:
        raise _problem(
            413, "body", count, most, f"{shown(count)} rows were sent, {most} are allowed"
        )


def check_width(count: int, known: int) -> None:
    """Lets pass what may be a raw row of a model that knows `known` columns.

    Raises:
        Problem: 422 for far more columns.
    """
    most = most_columns(known)
    if count > most:
        message = f"{count} columns were sent, the model knows {known}"
        raise refused("columns", count, f"at most {most} columns", message)


def check_names(names: Sequence[Any], place: str) -> None:
    """Lets pass texts, each of them once.

    Raises:
        Problem: 422.
    """
    seen = set()
    for name in names:
        fault = "no text" if not isinstance(name, str) else "there twice" if name in seen else ""
        if fault:
            message = f"{place}: {shown(name)!r} is {fault}"
            raise refused(place, name, "names of columns, each once", message)
        seen.add(name)


def refused(field: str, value: Any, allowed: str, message: str = "") -> Problem:
    """422 for what can be read but not be taken."""
    value, place = shown(value), shown(field)
    message = message or f"{place} is {value!r}; allowed: {allowed}"
    return invalid([Fault(place, value, allowed, message)])


def unparsable(message: str, allowed: str) -> Problem:
    """400 for what cannot be read."""
    return _problem(400, "body", None, allowed, shown(message, 500))


def check_encoding(headers: Mapping[str, str]) -> None:
    """Lets pass what is not compressed.

    Raises:
        Problem: 415.
    """
    encoding = headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise unsupported("content-encoding", encoding, "identity (no compression)")


def unsupported(header: str, value: str, allowed: str) -> Problem:
    """415 for a header that says the body is something else."""
    return _problem(
        415, header, value, allowed, f"{header} is {shown(value)!r}; allowed: {allowed}"
    )


def _problem(status: int, field: str, value: Any, allowed: Any, message: str) -> Problem:
    error = ProblemError(field=field, value=shown(value), allowed=allowed, message=message)
    return Problem(status, message, errors=[error])


def place_of(name: str, row: int, rows: int) -> str:
    """How a fault names a field: with its row where there are several."""
    return name if rows == 1 else f"{row}.{name}"


def shown(value: Any, most: int = 80) -> Any:
    """A value that can stand in an answer, cut to what a message can hold."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or (isinstance(value, int | float) and abs(value) < 2**63):
        return value
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}…"
