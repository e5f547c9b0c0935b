"""Rows as the text of INSERT statements.

Made column by column: the driver would take each value by itself, which costs twice what the
server needs to store it.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()  # its offsets have no end at 2 GB
text = partial(pa.scalar, type=TEXT)
Literals: TypeAlias = pa.LargeStringArray


def literal_rows(columns: list[pd.Series], as_text: list[bool], *, escaping: bool) -> Literals:
    """`1,'x',NULL` for every row; `as_text` says which columns are text in the database.

    `escaping` is for servers that take a backslash in a text for the start of an escape.
    """
    literals = [
        _literals(column, as_text=quoted, escaping=escaping)
        for column, quoted in zip(columns, as_text, strict=True)
    ]
    return pc.binary_join_element_wise(
        *literals, text(","), null_handling="replace", null_replacement="NULL"
    )


def statements(into: str, rows: Literals, size: int) -> Iterator[str]:
    """`INSERT INTO … VALUES (…),(…)`, of about so many bytes, but at least one row, each."""
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int64)[rows.offset :][: len(rows) + 1]
    start = 0
    while start < len(rows):
        end = int(np.searchsorted(offsets, offsets[start] + size, side="right")) - 1
        end = max(start + 1, end)
        part = pa.LargeListArray.from_arrays([0, end - start], rows.slice(start, end - start))
        values = pc.binary_join(part, text("),("))[0].as_py()
        yield f"INSERT INTO {into} VALUES ({values})"  # noqa: S608 - literals, each quoted
        start = end


def largest(rows: Literals) -> int:
    """Bytes of the longest row."""
    return int(pc.max(pc.binary_length(rows)).as_py() or 0)


def has_infinity(column: pd.Series) -> bool:
    """Whether one of the doubles is none that a literal could say."""
    if not pd.api.types.is_float_dtype(column):
        return False
    return bool(np.isinf(column.to_numpy("float64", na_value=np.nan)).any())


def _literals(column: pd.Series, *, as_text: bool, escaping: bool) -> Literals:
    values = _values(column)
    if pa.types.is_floating(values.type):
        if as_text or has_infinity(column):
            return _quoted(values.cast(TEXT), escaping=escaping)
        return _doubles(values)
    if pa.types.is_integer(values.type) and not as_text:
        return values.cast(TEXT)
    return _quoted(values.cast(TEXT), escaping=escaping)


def _values(column: pd.Series) -> pa.Array:
    """Booleans as 0 and 1, moments in UTC to the microsecond; what is missing as null."""
    if pd.api.types.is_bool_dtype(column):
        return pa.array(column.astype("Int8"), from_pandas=True)
    if pd.api.types.is_datetime64_any_dtype(column):
        naive = pd.to_datetime(column, utc=True).dt.tz_localize(None)
        return pa.array(naive.astype("datetime64[us]"), from_pandas=True)
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column, from_pandas=True)
    texts = column.astype("str") if column.dtype != "str" else column
    return _one(pa.array(texts, type=TEXT, from_pandas=True))


def _one(found: Any) -> pa.Array:
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _doubles(values: pa.Array) -> Literals:
    """The shortest form that reads back as the same double; without an exponent it is a decimal."""
    shown = values.cast(TEXT)
    with_exponent = pc.binary_join_element_wise(shown, text("e0"), text(""))
    return pc.if_else(pc.match_substring(shown, "e"), shown, with_exponent)


def _quoted(values: Literals, *, escaping: bool) -> Literals:
    """Each different text is quoted once: most columns of text repeat a few."""
    coded = values.dictionary_encode()
    texts = coded.dictionary
    if escaping:
        texts = pc.replace_substring(texts, "\\", "\\\\")
    texts = pc.replace_substring(texts, "'", "''")
    return pc.binary_join_element_wise(text("'"), texts, text("'"), text("")).take(coded.indices)
