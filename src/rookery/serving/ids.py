"""Ids of predictions: UUIDs in the order of time, their random part made some hundred at a time.

A database keeps rows by their key: ids without an order touch pages all over the table, and MySQL
then takes a third as many a second.
"""

import os
import re
import time

AT_A_TIME = 256
RANDOM_BYTES = 10
HEAD = 24  # characters, after which only a number follows
FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_drawn: list[str] = []


def new_id() -> str:
    """A UUID of version 7 as text (RFC 9562, section 5.7), in any thread."""
    now = f"{time.time_ns() // 1_000_000:012x}"
    try:
        return f"{now[:8]}-{now[8:]}-{_drawn.pop()}"
    except IndexError:
        _drawn.extend(_draw())
        return new_id()


def _draw() -> list[str]:
    """The kernel is asked once for all of them."""
    drawn, width = os.urandom(RANDOM_BYTES * AT_A_TIME).hex(), 2 * RANDOM_BYTES
    return [_tail(drawn[start : start + width]) for start in range(0, len(drawn), width)]


def _tail(one: str) -> str:
    variant = "89ab"[int(one[4], 16) & 3]
    return f"7{one[1:4]}-{variant}{one[5:8]}-{one[8:]}"


def new_series() -> str:
    """The first id of a request's many; the others count up from it, as RFC 9562 allows (6.2)."""
    first = new_id()
    # half of the range is room enough to count in
    return f"{first[:HEAD]}{int(first[HEAD:], 16) >> 1:012x}"


def nth(first: str, number: int) -> str:
    """The id that is so many after the first."""
    return f"{first[:HEAD]}{int(first[HEAD:], 16) + number:012x}"


def place_in(first: str, other: str) -> int:
    """How many after the first an id is; negative for one of another series."""
    if other[:HEAD] != first[:HEAD] or not is_id(other):
        return -1
    return int(other[HEAD:], 16) - int(first[HEAD:], 16)


def series(first: str, count: int) -> list[str]:
    """So many ids, from the first on."""
    head, start = first[:HEAD], int(first[HEAD:], 16)
    return [f"{head}{number:012x}" for number in range(start, start + count)]


def is_id(text: str) -> bool:
    """Whether a text has the form of an id; no database need be asked for any other."""
    return FORM.fullmatch(text) is not None
