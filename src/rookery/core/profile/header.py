"""Whether the first line of a file holds names, or is a row already."""

import re
from collections.abc import Sequence

import pandas as pd

from rookery.core.located import brief
from rookery.errors import InputError

_FRACTION = re.compile(r"[+-]?(\d+\.\d+([eE][+-]?\d+)?|-\d+)|-\d+", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
FIRST = 1000  # rows in which a name is looked for


def check_header(names: Sequence[str], rows: pd.DataFrame, origin: str) -> None:
    """Refuses a table whose columns are named by its first row.

    Raises:
        InputError: a name is a fraction, all are numbers that do not count through, or half of the
            names that are words come as values in their own column.
    """
    given = [str(name).strip() for name in names]
    if not _is_a_row(given, rows.head(FIRST)):
        return
    raise InputError(
        f"the first line of {origin} looks like a row, not like names: "
        f"{brief(map(repr, given), 6)}",
        field="--from",
        value=origin,
        allowed="a first line with the names of the columns",
        next=f"write a line with {len(given)} names before the first row, in a copy of the file",
    )


def _is_a_row(given: list[str], rows: pd.DataFrame) -> bool:
    if any(map(_FRACTION.fullmatch, given)):
        return True
    if all(map(_DIGITS.fullmatch, given)):
        numbers = [int(name) for name in given]
        return numbers != list(range(numbers[0], numbers[0] + len(numbers)))
    words = [(name, at) for at, name in enumerate(given) if name and not _DIGITS.fullmatch(name)]
    found = [name for name, at in words if _holds(rows.iloc[:, at], name)]
    return len(found) * 2 >= len(words) > 0


def _holds(values: pd.Series, name: str) -> bool:
    return bool((values.astype("str").str.strip() == name).any())
