"""The rows in an answer of a data service, in the forms that such services have."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic_core import from_json, to_json

from rookery.core.located import brief
from rookery.core.parsing import as_text
from rookery.errors import InputError
from rookery.stores.batches import Batch
from rookery.stores.tables import CHUNK


class NoBatch(ValueError):
    """What was answered is not JSON to its end, or holds no rows."""


@dataclass(frozen=True)
class Answer:
    """One batch as a service gave it; without a number where the service gives none."""

    number: int | None
    batch: Batch
    rows: int


def read_answer(path: Path, columns: Sequence[str]) -> Answer:
    """Reads `{"batch_number": 3, "data": [...]}`, or the list alone.

    Rows are objects, or lists whose values stand in the order of `columns`. Every value becomes
    text, as in a CSV file: what is a number is decided where rows are cleaned.

    Raises:
        NoBatch: it is cut off or something else. InputError: its rows are not those of a table.
    """
    try:
        tree = from_json(path.read_bytes())
    except ValueError as error:
        raise NoBatch(f"not JSON to its end: {error}") from error
    rows = tree.get("data") if isinstance(tree, dict) else tree
    if not isinstance(rows, list):
        raise NoBatch("without a list of rows in `data`")
    number = tree.get("batch_number") if isinstance(tree, dict) else None
    names = _names(rows, columns)
    # of the rows alone: the same ones are known again in whatever wrapping they come
    content = hashlib.sha256(to_json(rows)).hexdigest()[:16]
    batch = Batch(content, f"batch {number}", names, lambda: _chunks(rows, names))
    return Answer(number if isinstance(number, int) else None, batch, len(rows))


def _names(rows: list[Any], columns: Sequence[str]) -> list[str]:
    if not rows:
        return list(columns)
    kinds = set(map(type, rows))
    if kinds == {dict}:
        return list(dict.fromkeys(name for row in rows for name in row))
    widths = set(map(len, rows)) if kinds == {list} else set()
    if widths == {len(columns)}:
        return list(columns)
    found = f"lists of {brief(sorted(widths), 4)} values" if widths else "values of several kinds"
    raise InputError(
        f"the rows of the service are {found}, not objects or lists of {len(columns)} values",
        field="source.batches.columns",
        value=brief(columns, 6),
        allowed="objects, or lists with a value for each of these columns in this order",
        next="name the columns in the order of the service: `source: batches: columns:`",
    )


def _chunks(rows: list[Any], names: list[str]) -> Iterator[pd.DataFrame]:
    for start in range(0, len(rows), CHUNK):
        part = pd.DataFrame(rows[start : start + CHUNK], columns=names)
        yield texts_of(part)


def texts_of(part: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every value as text; what is missing stays so."""
    return pd.DataFrame({name: as_text(part[name]) for name in part.columns}, index=part.index)
