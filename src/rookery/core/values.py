"""Values as people write them, read alike in cleaning, in CSV files of records and in serving."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

TRUE = ("true", "yes", "y", "t", "1", "1.0")
FALSE = ("false", "no", "n", "f", "0", "0.0")
LARGEST_WHOLE = 2**53  # beyond it float64, in which numbers are kept, skips whole numbers
# blanks that stand between the digits of a number: no-break, thin, narrow no-break
_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2009\u202f"), " ")


def read_date(text: str, form: str | None = None) -> datetime | None:
    """A date in ISO 8601 form, or in strptime's `form`, in UTC without a zone; None otherwise."""
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):  # year 1 east of Greenwich is year 0 in UTC
        return None


def as_whole(value: Any) -> Any:
    """JSON has one kind of number: 2007.0 is a whole one, and how pandas writes it beside gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def bare(text: str, strip: Sequence[str]) -> str:
    """Without blanks and the texts of `strip` at both ends; a sign before them stays."""
    if not strip:
        return text.strip()
    return _around(tuple(strip)).sub(r"\1\2", text.strip())


@cache
def _around(strip: tuple[str, ...]) -> re.Pattern[str]:
    # the longest first: "US$" before "$"
    any_of = "|".join(re.escape(part) for part in sorted(strip, key=len, reverse=True))
    return re.compile(rf"(?s)^([+-]?)(?:\s|{any_of})*(.*?)(?:\s|{any_of})*$")


def with_point(text: str, decimal: str, thousands: str | None) -> str | None:
    """A number as text with a point and nothing between its digits; None if it is none."""
    text = text if text.isascii() else text.translate(_BLANKS)
    if not _number(decimal, thousands).fullmatch(text):
        return None
    return text.replace(thousands or "", "").replace(decimal, ".")


@cache
def _number(decimal: str, thousands: str | None) -> re.Pattern[str]:
    whole = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+" if thousands else r"\d+"
    mark = re.escape(decimal)
    return re.compile(rf"[+-]?(?:(?:{whole})(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?", re.ASCII)
