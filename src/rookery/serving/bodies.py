"""Request bodies: limited while they arrive, parsed without trust."""

import math
from itertools import islice
from typing import Any

from fastapi import Request
from pydantic_core import from_json

from rookery.core.records import Fault
from rookery.serving.problems import MOST_ERRORS, Problem, ProblemError, invalid


async def read_body(request: Request, most: int) -> bytes:
    """The whole body of a JSON request, at most `most` bytes, whatever its headers promise.

    Raises:
        Problem: 415 for another content type, 413 for more bytes.
    """
    _check_type(request)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > most):
        raise _too_large(most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """The value that a body holds; NaN and Infinity pass, to be refused by the field they are in.

    Raises:
        Problem: 400 for anything that is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        return from_json(body)
    except ValueError as error:
        raise Problem(
            400,
            f"the body is not JSON: {error}",
            errors=[ProblemError(field="body", allowed="JSON in UTF-8", message=str(error))],
        ) from None


def one_record(found: Any) -> list[Any]:
    """The record of /predict, as a list of one.

    Raises:
        Problem: 422 when it is a list or a bare value.
    """
    if isinstance(found, dict):
        return [found]
    what = "a list; /predict/batch takes lists" if isinstance(found, list) else _named(found)
    raise invalid([_body_fault("one record, a JSON object of columns", what)])


def many_records(found: Any, most: int) -> list[Any]:
    """The records of /predict/batch.

    Raises:
        Problem: 422 when it is not a list or an empty one, 413 for more than `most` rows.
    """
    if not isinstance(found, list):
        what = "one record; /predict takes one" if isinstance(found, dict) else _named(found)
        raise invalid([_body_fault("a list of records", what)])
    if not found:
        raise invalid([_body_fault("at least one record", "an empty list")])
    if len(found) > most:
        message = f"{len(found)} records were sent, {most} are allowed"
        shown = ProblemError(field="body", value=len(found), allowed=most, message=message)
        raise Problem(413, message, errors=[shown], next="send them in several requests")
    return found


def too_wide(records: list[Any], known: int) -> list[Fault]:
    """Records with far more columns than the model knows: each would be a fault of its own.

    As `not_finite`, it stops at as many as an answer shows.
    """
    most = 2 * known + 20
    faults = (
        Fault(
            "record" if len(records) == 1 else f"{row}.record",
            len(record),
            f"at most {most} columns",
            f"a record has {len(record)} columns, the model knows {known}",
        )
        for row, record in enumerate(records)
        if isinstance(record, dict) and len(record) > most
    )
    return list(islice(faults, MOST_ERRORS))


def not_finite(records: list[Any], names: list[str]) -> list[Fault]:
    """NaN and Infinity in columns that no model looks at: JSON has neither."""
    faults = (
        Fault(
            name if len(records) == 1 else f"{row}.{name}",
            str(record[name]),
            "a finite number, or leave it out",
            f"{name} is {record[name]}, which is no number in JSON",
        )
        for row, record in enumerate(records)
        if isinstance(record, dict)
        for name in names
        if isinstance(record.get(name), float) and not math.isfinite(record[name])
    )
    return list(islice(faults, MOST_ERRORS))


def _check_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    encoding = request.headers.get("content-encoding", "identity")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise _unsupported("content-type", given, "application/json")
    if encoding.strip().lower() != "identity":
        raise _unsupported("content-encoding", encoding, "identity (no compression)")


def _unsupported(header: str, value: str, allowed: str) -> Problem:
    message = f"{header} is {value[:80]!r}; allowed: {allowed}"
    shown = ProblemError(field=header, value=value[:80], allowed=allowed, message=message)
    return Problem(415, message, errors=[shown])


def _too_large(most: int) -> Problem:
    message = f"the body has more than {most} bytes"
    shown = ProblemError(field="body", allowed=most, message=message)
    # what is left of the body is not read, so the connection cannot be used again
    return Problem(413, message, errors=[shown], headers={"Connection": "close"})


def _body_fault(allowed: str, what: str) -> Fault:
    return Fault("body", what, allowed, f"the body is {what}; allowed: {allowed}")


def _named(found: Any) -> str:
    words = {"NoneType": "null", "str": "a text", "bool": "a boolean"}
    return words.get(type(found).__name__, "a number")
