"""From raw rows to clean ones and refused ones, each with its reasons."""

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from rookery.core.holdout import row_hashes
from rookery.core.located import RESERVED_COLUMNS, brief
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.core.values import FALSE, LARGEST_WHOLE, TRUE, read_date
from rookery.errors import InputError

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Cleaned:
    """One part of a raw table, sorted out. `clean`, `rejected` and duplicates add up to it."""

    clean: pd.DataFrame  # typed columns of the task, index of the raw rows
    reasons: pd.Series  # text per refused row, index of the raw rows
    hashes: "np.ndarray[Any, Any]"  # uint64 per clean row
    duplicates: int


def check_columns(names: list[str], task: Task) -> None:
    """Refuses a table whose columns are not those of the task.

    Raises:
        InputError: naming the missing and the unknown columns.
    """
    given = [name for name in names if name not in RESERVED_COLUMNS]
    missing = [name for name in task.columns if name not in given]
    extra = [name for name in given if name not in task.columns]
    twice = sorted({name for name in given if given.count(name) > 1})
    if not (missing or extra or twice):
        return
    parts = []
    if twice:
        parts.append(f"has more than one column {brief(twice, 6)}")
    if missing:
        parts.append(f"lacks the columns {brief(missing, 6)}")
    if extra:
        parts.append(f"has columns that the task does not name: {brief(extra, 6)}")
    raise InputError(
        f"the source of {task.name} {' and '.join(parts)}",
        field="columns",
        value=brief(extra or twice or given, 6),
        allowed=brief(task.columns),
        next=f"name every column of the source in tasks/{task.name}.yaml "
        "(feature: false for one that the model should not see)",
    )


def clean_rows(raw: pd.DataFrame, task: Task, seen: "np.ndarray[Any, Any]") -> Cleaned:
    """Types, validates and deduplicates raw rows.

    `seen` are the sorted hashes of clean rows before these; a row equal to one of them, or to an
    earlier one here, is a duplicate, also where a `split` column puts the two into different
    parts: what is learnt from must not be judged on.
    """
    typed, faults = _typed(raw, task)
    faults += _violations(typed, task)
    faults += _broken_rules(typed, task)
    reasons = _by_row(faults, raw.index)
    valid = typed.loc[~typed.index.isin(reasons.index)]
    hashes = row_hashes(valid.drop(columns=[task.split.column] if task.split.column else []))
    first = ~pd.Series(hashes).duplicated().to_numpy() & ~_among(hashes, seen)
    return Cleaned(valid[first], reasons, hashes[first], int((~first).sum()))


def table_schema(task: Task) -> pa.DataFrameSchema:
    """What a clean table must be: types, ranges, allowed values, completeness."""
    return pa.DataFrameSchema(
        {name: _schema_column(column) for name, column in task.columns.items()}, strict=True
    )


def read_back(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Clean rows as a database gave them, in the task's types again."""
    return pd.DataFrame(
        {name: _stored(rows[name], column) for name, column in task.columns.items()},
        index=rows.index,
    )


def _stored(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "date":
        return pd.to_datetime(values)
    if column.type in ("category", "text"):
        return values.astype("str")
    return _compact(pd.to_numeric(values).astype("float64"), column)


def _compact(numbers: pd.Series, column: Column) -> pd.Series:
    """Integers and booleans as such where none is missing, else as float64 with NaN."""
    whole = {"integer": "int64", "boolean": "bool"}.get(column.type)
    return numbers.astype(whole) if whole and not numbers.hasnans else numbers


Faults = list[tuple[pd.Index, str, list[str]]]  # rows, column, reason per row


def _typed(raw: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, Faults]:
    typed, faults = {}, Faults()
    for name, column in task.columns.items():
        values = _without_markers(raw[name], column, task)
        typed[name], wrong, what = _PARSERS[column.type](values)
        if wrong.any():
            shown = [f"{name}: {_short(value)} is not {what}" for value in values[wrong]]
            faults.append((raw.index[wrong], name, shown))
    return pd.DataFrame(typed, index=raw.index), faults


def _without_markers(values: pd.Series, column: Column, task: Task) -> pd.Series:
    """Text stripped and replaced as the task says; markers of a missing value as missing."""
    markers = pd.Series([*task.cleaning.missing, *column.missing], dtype="str")
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        gone = values.isin(pd.to_numeric(markers, errors="coerce").dropna())
        values = values.mask(gone) if gone.any() else values
        if not column.replace:
            return values
    text = _as_text(values).str.strip()
    if column.replace:
        text = text.replace(column.replace)
    return text.mask(text.isin(markers))


def _as_text(values: pd.Series) -> pd.Series:
    """Whole numbers without a point, as people write them; what is missing stays so."""
    if pd.api.types.is_float_dtype(values):
        numbers = values.astype("float64")
        whole = (numbers == np.floor(numbers)) & (numbers.abs() <= LARGEST_WHOLE)
        values = numbers.astype(object).mask(whole, numbers.where(whole, 0).astype("int64"))
    return values.astype("str")


Parsed = tuple[pd.Series, pd.Series, str]  # values, which are wrong, what they should be


def _parse_number(values: pd.Series) -> Parsed:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = (numbers.isna() & values.notna()) | np.isinf(numbers)
    return numbers.mask(wrong), wrong, "a finite number"


def _parse_integer(values: pd.Series) -> Parsed:
    numbers, wrong, _ = _parse_number(values)
    wrong |= numbers.notna() & (numbers != np.floor(numbers))
    wrong |= numbers.abs() > LARGEST_WHOLE
    return numbers.mask(wrong), wrong, "a whole number within 2^53"


def _parse_boolean(values: pd.Series) -> Parsed:
    words = values.astype(str).str.lower()
    found = pd.Series(np.nan, index=values.index).mask(words.isin(TRUE), 1.0)
    found = found.mask(words.isin(FALSE), 0.0)
    return found, found.isna() & values.notna(), "true or false"


def _parse_date(values: pd.Series) -> Parsed:
    if pd.api.types.is_datetime64_any_dtype(values):
        dates = pd.to_datetime(values, utc=True).dt.tz_localize(None)
    else:
        dates = _as_text(values).astype(object).map(read_date, na_action="ignore")
    dates = dates.astype("datetime64[us]")
    return dates, dates.isna() & values.notna(), "a date in ISO 8601 form"


def _parse_text(values: pd.Series) -> Parsed:
    return _as_text(values), pd.Series(False, index=values.index), "text"


_PARSERS: dict[str, Any] = {
    "float": _parse_number,
    "integer": _parse_integer,
    "boolean": _parse_boolean,
    "date": _parse_date,
    "category": _parse_text,
    "text": _parse_text,
}


def _schema_column(column: Column) -> pa.Column:
    checks = []
    if column.range:
        low, high = column.range
        checks.append(pa.Check.in_range(low, high, error=f"is outside {low:g} to {high:g}"))
    if column.values:
        checks.append(
            pa.Check.isin(column.values, error=f"is not one of {', '.join(column.values)}")
        )
    return pa.Column(checks=checks, nullable=not column.required)


def _violations(typed: pd.DataFrame, task: Task) -> Faults:
    try:
        table_schema(task).validate(typed, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        return [
            (
                pd.Index(group["index"]),
                str(name),
                [
                    _violation(str(name), check, case)
                    for check, case in zip(group["check"], group["failure_case"], strict=True)
                ],
            )
            for name, group in cases.groupby("column", sort=False)
        ]
    return []


def _violation(name: str, check: str, case: Any) -> str:
    if check == "not_nullable":
        return f"{name}: missing"
    return f"{name}: {_short(case)} {check}"


def _broken_rules(typed: pd.DataFrame, task: Task) -> Faults:
    faults = Faults()
    for rule in task.cleaning.rules:
        left, right = typed[rule.left], typed[rule.right]
        broken = ~COMPARE[rule.is_](left, right) & left.notna() & right.notna()
        if broken.any():
            shown = [
                f"{rule.left}: {_short(a)} is not {rule.is_} {rule.right} ({_short(b)})"
                for a, b in zip(left[broken], right[broken], strict=True)
            ]
            faults.append((typed.index[broken], rule.left, shown))
    return faults


def _by_row(faults: Faults, index: pd.Index) -> pd.Series:
    """All reasons of a row as one text; a column's first finding hides what follows from it."""
    found: dict[Any, dict[str, str]] = {}
    for rows, name, shown in faults:
        for row, reason in zip(rows, shown, strict=True):
            found.setdefault(row, {}).setdefault(name, reason)
    texts = {row: "; ".join(reasons.values()) for row, reasons in found.items()}
    ordered = index[index.isin(list(texts))]
    return pd.Series([texts[row] for row in ordered], index=ordered, dtype=object)


def _among(hashes: "np.ndarray[Any, Any]", seen: "np.ndarray[Any, Any]") -> Any:
    if not len(seen):
        return np.zeros(len(hashes), dtype=bool)
    place = np.minimum(np.searchsorted(seen, hashes), len(seen) - 1)
    return seen[place] == hashes


def _short(value: Any) -> str:
    """A value as a message shows it: numbers without a tail of zeros, long text cut."""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
