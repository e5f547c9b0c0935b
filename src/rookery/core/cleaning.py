"""From raw rows to clean ones and refused ones, each with its reasons."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from rookery.core.holdout import row_hashes
from rookery.core.located import RESERVED_COLUMNS, brief
from rookery.core.parsing import parse, without_markers
from rookery.core.sections import Column
from rookery.core.task import Task
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


def task_names(names: list[str], task: Task) -> list[str]:
    """What the task calls the columns of a source; a name that it does not know stays."""
    known = {
        name if column.source_name is None else column.source_name: name
        for name, column in task.columns.items()
    }
    return [known.get(name, known.get(name.strip(), name)) for name in names]


def named(frame: pd.DataFrame, columns: list[str], task: Task) -> pd.DataFrame:
    """Rows of a source with these columns, called what the task calls them.

    The frame's own names are not asked: pandas gives others where one is empty.
    """
    return frame.set_axis(task_names(columns, task), axis="columns")


def check_columns(names: list[str], task: Task) -> None:
    """Refuses a source whose columns are not those of the task.

    Raises:
        InputError: naming the missing and the unknown columns.
    """
    check_named(task_names(names, task), task)


def check_named(names: list[str], task: Task) -> None:
    """As `check_columns`, of a table whose columns are called what the task calls them."""
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


def clean_parts(
    parts: Iterable[pd.DataFrame], task: Task
) -> Iterator[tuple[pd.DataFrame, Cleaned]]:
    """Each part of a raw table, and what became of it; a repeat of an earlier part's row counts."""
    seen = np.array([], dtype=np.uint64)
    for raw in parts:
        part = clean_rows(raw, task, seen)
        seen = np.sort(np.concatenate([seen, part.hashes]))
        yield raw, part


def table_schema(task: Task) -> pa.DataFrameSchema:
    """What a clean table must be: types, ranges, allowed values, completeness."""
    return pa.DataFrameSchema(
        {name: _schema_column(column) for name, column in task.columns.items()}, strict=True
    )


def read_back(rows: pd.DataFrame, task: Task, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Clean rows as a database gave them, in the task's types again; `columns`: only these."""
    return pd.DataFrame(
        {
            name: _stored(rows[name], column)
            for name, column in task.columns.items()
            if columns is None or name in columns
        },
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
        values = without_markers(raw[name], column, task)
        typed[name], wrong, what = parse(values, column)
        if wrong.any():
            shown = [f"{name}: {_short(value)} is not {what}" for value in values[wrong]]
            faults.append((raw.index[wrong], name, shown))
    return pd.DataFrame(typed, index=raw.index), faults


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
