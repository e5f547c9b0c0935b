"""Request bodies: limited while they arrive, parsed without trust."""

import asyncio
import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

from pydantic_core import from_json
from starlette.types import Receive

from rookery.core.records import Fault
from rookery.serving.connections import is_whole
from rookery.serving.front import Headers
from rookery.serving.problems import MOST_ERRORS, Problem, ProblemError, invalid

BODY_SECONDS = 60.0
FEW_VALUES = 30_000  # in any request; reading them takes a tenth of a second at worst


async def read_body(headers: Headers, receive: Receive, most: int) -> bytes:
    """The whole body of a request, at most `most` bytes, whatever its headers promise.

    Raises:
        Problem: 415 for a compressed one, 413 for more bytes, 408 where they take longer than
            BODY_SECONDS, 400 where it breaks off.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise _unsupported("content-encoding", encoding, "identity (no compression)")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        raise _too_large(most)
    if not is_whole(receive):
        return await _arriving(receive, most)
    body: bytes = (await receive()).get("body", b"")
    if len(body) > most:
        raise _too_large(most)
    return body


async def _arriving(receive: Receive, most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    # nobody reads this: the metric counts it
                    raise Problem(400, "the request ended before its body did")
                body += message.get("body", b"")
                if len(body) > most:
                    raise _too_large(most)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        told = f"the body took longer than {BODY_SECONDS:g} seconds"
        raise Problem(408, told, headers={"Connection": "close"}) from None


def require_json(headers: Headers) -> None:
    """Lets JSON pass.

    Raises:
        Problem: 415.
    """
    given = headers.get(b"content-type", b"")
    if given != b"application/json" and media_type(given) != "application/json":
        raise _unsupported("content-type", given, "application/json")


def media_type(given: bytes) -> str:
    """A content type without its parameters, in small letters."""
    return given.partition(b";")[0].strip().lower().decode("latin-1")


def check_values(body: bytes, rows: int = 0, known: int = 0) -> None:
    """Lets pass what may hold that many rows of a model that knows `known` columns.

    Raises:
        Problem: 413 before millions of empty lists take a gigabyte and the interpreter with it.
    """
    most = FEW_VALUES + rows * (2 * known + 22)
    if len(body) > most and sum(map(body.count, (b"[", b"{", b":", b","))) > most:
        message = f"the body holds more than {most} values"
        raise Problem(
            413, message, errors=[ProblemError(field="body", allowed=most, message=message)]
        )


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


def read_json(body: bytes, known: int = 0, most: int = 0) -> Any:
    """What a body holds, unless it is far more than `most` rows of `known` columns can need.

    Raises:
        Problem: as `check_values` and `parse_json`.
    """
    check_values(body, most, known)
    return parse_json(body)


def most_columns(known: int) -> int:
    """How wide a raw row may be; in a wider one each column would be a fault of its own."""
    return 2 * known + 20


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
    """Records with far more columns than the model knows; as many as an answer shows."""
    most = most_columns(known)
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


def not_finite(records: list[Any], names: Sequence[str]) -> list[Fault]:
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


def _unsupported(header: str, given: bytes, allowed: str) -> Problem:
    value = given.decode("latin-1")[:80]
    message = f"{header} is {value!r}; allowed: {allowed}"
    shown = ProblemError(field=header, value=value, allowed=allowed, message=message)
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
