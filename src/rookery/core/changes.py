"""What is different between two trainings: rows, columns, settings, answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.holdout import row_hashes
from rookery.core.task import Task

SHOWN = 20  # rows of each kind, of what may be millions
Pair = list[Any]  # before, after
Record = dict[str, Any]


@dataclass(frozen=True)
class RowChanges:
    """Rows by their content: how many came and went, and the first of them."""

    before: int
    after: int
    added: int
    gone: int
    first_added: list[Record]
    first_gone: list[Record]


@dataclass(frozen=True)
class Flip:
    """A row with its truth, and what the two versions answer."""

    row: Record
    before: Any
    after: Any


@dataclass(frozen=True)
class Flips:
    """Rows held out by both that two versions answer differently; `first` are the first of them,
    of a regressor those furthest apart.
    """

    rows: int
    flipped: int
    to_right: int | None  # of a classifier: wrong before, right after
    to_wrong: int | None
    largest_gap: float | None  # of a regressor
    first: list[Flip]


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Pair]:
    """Keys whose values are not the same, None where one side has none."""
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: [before.get(name), after.get(name)]
        for name in names
        if before.get(name) != after.get(name)
    }


def row_changes(before: pd.DataFrame, after: pd.DataFrame) -> RowChanges:
    """Compares tables by the content of whole rows; other columns make other rows."""
    old, new = row_hashes(before), row_hashes(after)
    same_columns = list(before.columns) == list(after.columns)
    gone = ~np.isin(old, new) if same_columns else np.ones(len(old), dtype=bool)
    added = ~np.isin(new, old) if same_columns else np.ones(len(new), dtype=bool)
    return RowChanges(
        before=len(before),
        after=len(after),
        added=int(added.sum()),
        gone=int(gone.sum()),
        first_added=records(after[added].head(SHOWN)),
        first_gone=records(before[gone].head(SHOWN)),
    )


def column_changes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, dict[str, Pair]]:
    """Per column what its summary says otherwise; a column that only one has, whole."""
    names = [*before.columns, *(name for name in after.columns if name not in before)]
    pairs = {
        name: changed(*(_summary(rows[name]) if name in rows else {} for rows in (before, after)))
        for name in names
    }
    return {name: pair for name, pair in pairs.items() if pair}


def _summary(values: pd.Series) -> dict[str, Any]:
    """Missing values, then mean and range of numbers and dates, or rows by category."""
    found: dict[str, Any] = {"missing": int(values.isna().sum())}
    there = values.dropna()
    if pd.api.types.is_bool_dtype(values) or not _has_mean(values):
        counts = there.astype(str).value_counts()
        top = counts.sort_index() if len(counts) <= SHOWN else counts.head(SHOWN)
        return found | {f"rows of {label}": int(count) for label, count in top.items()}
    if there.empty:
        return found
    return found | {name: _plain(getattr(there, name)()) for name in ("mean", "min", "max")}


def _has_mean(values: pd.Series) -> bool:
    types = pd.api.types
    return bool(types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values))


def held_out_by_both(
    before: tuple[pd.DataFrame, pd.DataFrame], after: tuple[pd.DataFrame, pd.DataFrame]
) -> pd.DataFrame:
    """Rows of the later hold-out that the earlier version was not trained on either.

    Each pair holds training rows and hold-out rows; they are the same by the columns of both.
    """
    trained, held = before[0], after[1]
    both = [name for name in held.columns if name in trained]
    return held[~np.isin(row_hashes(held[both]), row_hashes(trained[both]))]


def flips(rows: pd.DataFrame, before: list[Any], after: list[Any], task: Task) -> Flips:
    """How two versions answer the same rows, shape (rows,) each."""
    if task.kind == "regressor":
        return _gaps(rows, before, after)
    truth = rows[task.target].tolist()
    other = [old != new for old, new in zip(before, after, strict=True)]
    right, wrong = (_hits(answers, truth, other) for answers in (after, before))
    places = [place for place, differs in enumerate(other) if differs]
    return Flips(len(rows), len(places), right, wrong, None, _first(rows, before, after, places))


def _hits(answers: list[Any], truth: list[Any], among: list[bool]) -> int:
    each = zip(answers, truth, among, strict=True)
    return sum(counts and answer == true for answer, true, counts in each)


def _gaps(rows: pd.DataFrame, before: list[Any], after: list[Any]) -> Flips:
    gaps = np.abs(np.asarray(after, dtype=float) - np.asarray(before, dtype=float))
    places = np.argsort(-gaps, kind="stable")[: int((gaps > 0).sum())].tolist()
    largest = float(gaps.max(initial=0.0))
    return Flips(len(rows), len(places), None, None, largest, _first(rows, before, after, places))


def _first(
    rows: pd.DataFrame, before: list[Any], after: list[Any], places: list[int]
) -> list[Flip]:
    shown = places[:SHOWN]
    plain = zip(records(rows.iloc[shown]), shown, strict=True)
    return [Flip(row, before[place], after[place]) for row, place in plain]


def records(rows: pd.DataFrame) -> list[Record]:
    """Rows as plain values; what is missing is None."""
    return [
        {str(name): _plain(value) for name, value in row.items()} for row in rows.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
