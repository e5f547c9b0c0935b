"""Values of a source as its task says they are written, in the types of their columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.core.values import FALSE, LARGEST_WHOLE, TRUE, bare, read_date, with_point


def without_markers(values: pd.Series, column: Column, task: Task) -> pd.Series:
    """Text stripped and replaced as the task says; markers of a missing value as missing."""
    markers = pd.Series([*task.cleaning.missing, *column.missing], dtype="str")
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        gone = values.isin(pd.to_numeric(markers, errors="coerce").dropna())
        values = values.mask(gone) if gone.any() else values
        if not column.replace:
            return values
    text = as_text(values)
    if column.strip:
        text = _each(text, lambda value: bare(value, column.strip))
    text = text.str.strip()
    if column.replace:
        text = text.replace(column.replace)
    return text.mask(text.isin(markers))


def _each(values: pd.Series, read: Callable[[str], Any]) -> pd.Series:
    """What is read of each value, once per different one: columns repeat themselves."""
    found = {value: read(value) for value in values.dropna().unique()}
    return values.astype(object).map(found)


def as_text(values: pd.Series) -> pd.Series:
    """Values as text, whole numbers without a point as people write them; gaps stay gaps."""
    if pd.api.types.is_float_dtype(values):
        numbers = values.astype("float64")
        whole = (numbers == np.floor(numbers)) & (numbers.abs() <= LARGEST_WHOLE)
        values = numbers.astype(object).mask(whole, numbers.where(whole, 0).astype("int64"))
    return values.astype("str")


Parsed = tuple[pd.Series, pd.Series, str]  # values, which are wrong, what they should be


def parse(values: pd.Series, column: Column) -> Parsed:
    """Values in the type of their column, which of them are not of it, and what it asks for."""
    return _PARSERS[column.type](values, column)


def parse_number(values: pd.Series, column: Column) -> Parsed:
    given = values
    if column.number_marks != (".", None) and not pd.api.types.is_numeric_dtype(values):
        given = _each(values, lambda text: with_point(text, *column.number_marks))
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    wrong = (numbers.isna() & values.notna()) | np.isinf(numbers)
    return numbers.mask(wrong), wrong, "a finite number"


def _parse_integer(values: pd.Series, column: Column) -> Parsed:
    numbers, wrong, _ = parse_number(values, column)
    wrong |= numbers.notna() & (numbers != np.floor(numbers))
    wrong |= numbers.abs() > LARGEST_WHOLE
    return numbers.mask(wrong), wrong, "a whole number within 2^53"


def _parse_boolean(values: pd.Series, _: Column) -> Parsed:
    words = values.astype(str).str.lower()
    found = pd.Series(np.nan, index=values.index).mask(words.isin(TRUE), 1.0)
    found = found.mask(words.isin(FALSE), 0.0)
    return found, found.isna() & values.notna(), "true or false"


def _parse_date(values: pd.Series, column: Column) -> Parsed:
    if pd.api.types.is_datetime64_any_dtype(values):
        dates = pd.to_datetime(values, utc=True).dt.tz_localize(None)
    else:
        dates = _each(as_text(values), lambda text: read_date(text, column.format))
    dates = dates.astype("datetime64[us]")
    form = f"written as {column.format}" if column.format else "in ISO 8601 form"
    return dates, dates.isna() & values.notna(), f"a date {form}"


def _parse_text(values: pd.Series, _: Column) -> Parsed:
    return as_text(values), pd.Series(False, index=values.index), "text"


_PARSERS: dict[str, Callable[[pd.Series, Column], Parsed]] = {
    "float": parse_number,
    "integer": _parse_integer,
    "boolean": _parse_boolean,
    "date": _parse_date,
    "category": _parse_text,
    "text": _parse_text,
}
