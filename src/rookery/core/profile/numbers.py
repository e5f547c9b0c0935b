"""Numbers as people write them: thousands, decimal commas, currencies, percent."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rookery.core.values import LARGEST_WHOLE, bare, with_point

# a currency or a percent sign before or after the number
UNITS = (
    "US$", "R$", "$", "€", "£", "¥", "₹", "₽", "₺", "%", "USD", "EUR", "GBP", "CHF", "JPY", "CAD",
    "AUD", "MXN", "BRL", "zł", "kr",
)  # fmt: skip
# in this order, so that a form says no more than the values do
MARKS: tuple[tuple[str, str | None], ...] = (
    (".", None), (".", ","), (",", None), (",", "."), (".", " "), (",", " "), (".", "'"),
)  # fmt: skip
FIRST = 200  # different texts, by which words are told from numbers at once
MOST_REFUSED = 0.01  # of the rows may be no number in a column of numbers
FEW_ROWS = 20  # from here on one row may be none: a total below a table, for example
_UNIT = re.compile(
    rf"^[+-]?({'|'.join(map(re.escape, UNITS))})\s*[+-]?[\d.,]|"
    rf"\d\s*({'|'.join(map(re.escape, UNITS))})$"
)
_MEASURE = re.compile(r"\d\s?([^\W\d_][^\s\d]{0,14})$")  # a word behind a number: kg, m², días
_CODE = re.compile(r"[+-]?0\d+", re.ASCII)
_THREE = re.compile(r"[+-]?\d{1,3}\.\d{3}", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """What the texts of a column mean: a value for each that could be read.

    `keys` is what the task file has to say of the column, `said` what people should know, and
    `gaps` are texts that stand for no value in this column alone.
    """

    type: str
    values: Mapping[str, Any]
    keys: dict[str, Any] = field(default_factory=dict)
    unit: str | None = None
    said: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def read_numbers(counts: Mapping[str, int]) -> Reading | None:
    """The texts as numbers, if nearly all rows are some in one form; None otherwise.

    `counts` has the rows of each different text, none of them missing.
    """
    if any(map(_CODE.fullmatch, counts)):
        return None
    units = {unit for text in counts if (unit := _unit(text))} or _measure(counts)
    if len(units) > 1:
        return None
    rests = {text: bare(text, tuple(units)) for text in counts}
    marks = _marks(counts, rests, money=bool(units & set(UNITS) - {"%"}))
    if marks is None:
        return None
    points = {text: with_point(rest, *marks) for text, rest in rests.items()}
    values = {text: float(point) for text, point in points.items() if point is not None}
    if any(abs(value) == float("inf") for value in values.values()):
        return None
    whole = all(value.is_integer() for value in values.values())
    plain = whole and not any(set(rests[text]) & {marks[0], "e", "E"} for text in values)
    if plain and any(abs(value) > LARGEST_WHOLE for value in values.values()):
        return None  # too long for a number: somebody's key
    return Reading(
        "integer" if plain else "float",
        values,
        _keys(units, marks),
        unit=next(iter(units), None),
        said=_said(units, marks, rests),
    )


def _unit(text: str) -> str | None:
    found = _UNIT.search(text)
    return next(filter(None, found.groups()), None) if found else None


def _measure(counts: Mapping[str, int]) -> set[str]:
    """The word that stands behind nearly every number; fewer would be codes such as 12a."""
    found = Counter[str]()
    for text, rows in counts.items():
        if match := _MEASURE.search(text):
            found[match[1]] += rows
    word, rows = found.most_common(1)[0] if found else ("", 0)
    every = sum(counts.values())
    return {word} if rows and every - rows <= may_be_refused(every) else set()


def _marks(
    counts: Mapping[str, int], rests: Mapping[str, str], *, money: bool
) -> tuple[str, str | None] | None:
    first = [rests[text] for text in islice(counts, FIRST)]
    likely = [marks for marks in MARKS if _share(first, marks) > 0.5]
    if not likely:  # words, and there may be many of them
        return None
    rows, best, most = sum(counts.values()), likely[0], -1
    for marks in likely:
        read = sum(n for text, n in counts.items() if with_point(rests[text], *marks) is not None)
        if read > most:
            best, most = marks, read
        if most == rows:
            break
    if rows - most > may_be_refused(rows):
        return None
    dotted = [rest for rest in rests.values() if "." in rest]
    if best == (".", None) and money and dotted and all(map(_THREE.fullmatch, dotted)):
        return (",", ".")  # 1.200 €: no money has three decimals
    return best


def may_be_refused(rows: int) -> float:
    """How many rows may be unreadable in a column that is not text."""
    return max(rows * MOST_REFUSED, 1 if rows >= FEW_ROWS else 0)


def _share(texts: Sequence[str], marks: tuple[str, str | None]) -> float:
    return sum(with_point(text, *marks) is not None for text in texts) / max(1, len(texts))


def _keys(units: set[str], marks: tuple[str, str | None]) -> dict[str, Any]:
    decimal, thousands = marks
    keys: dict[str, Any] = {"strip": sorted(units)} if units else {}
    if decimal != ".":
        keys["decimal"] = decimal
    return keys | ({"thousands": thousands} if thousands else {})


def _said(
    units: set[str], marks: tuple[str, str | None], rests: Mapping[str, str]
) -> tuple[str, ...]:
    said = []
    if units or marks != (".", None):
        shown = next((text for text, rest in rests.items() if not rest.isdigit()), "")
        said.append(f"numbers written as text, such as {shown!r}")
    if marks == (".", ",") and _share([*rests.values()], (",", None)) == 1:
        said.append(
            'every comma stands before three digits, so it is read as thousands; decimal: "," '
            "without thousands reads it as the decimal mark"
        )
    return tuple(said)


def quoted_alike(texts: Sequence[str]) -> str | None:
    """The quote that stands at both ends of every text."""
    marks = {text[0] for text in texts if len(text) > 1 and text[0] == text[-1]}
    alike = len(marks) == 1 and all(len(text) > 1 and text[0] == text[-1] for text in texts)
    mark = marks.pop() if alike else ""
    return mark if mark in ("'", '"', "`") else None
