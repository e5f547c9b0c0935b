"""Content hashes of rows: the hold-out, exact duplicates and the digest of a table."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.task import Task

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def row_hashes(rows: pd.DataFrame, salt: str = "rookery") -> Hashes:
    """One 64-bit hash a row, shape (rows,), the same on every machine and after any database.

    Numbers are hashed as float64 and everything else as text, so that an integer column that came
    back as float does not change it. 4 million rows have a chance of 4 in 10 million of any
    collision.
    """
    key = hashlib.sha256(salt.encode()).hexdigest()[:16]
    canonical = pd.DataFrame(
        {index: _canonical(rows[name]) for index, name in enumerate(rows.columns)},
        index=rows.index,
    )
    found = pd.util.hash_pandas_object(canonical, index=False, hash_key=key).to_numpy(np.uint64)
    return _mixed(found ^ np.uint64(int(key, 16)))


def _canonical(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    elif pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.astype("float64") + 0.0  # -0.0 becomes 0.0
    return column.astype(object).where(column.notna(), "\x00missing").astype(str)


def _mixed(values: Hashes) -> Hashes:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014): spreads a salt over all bits."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def digest(rows: pd.DataFrame) -> str:
    """16 hexadecimal digits that name the content of a table, whatever the order of its rows."""
    state = hashlib.sha256("\x1f".join(map(str, rows.columns)).encode())
    state.update(np.sort(row_hashes(rows)).tobytes())
    return state.hexdigest()[:16]


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows in the order of their content: what is learnt must not depend on another."""
    return rows.iloc[np.argsort(row_hashes(rows), kind="stable")].reset_index(drop=True)


def holdout_mask(rows: pd.DataFrame, task: Task) -> "np.ndarray[Any, Any]":
    """True for the rows held out, shape (rows,).

    Each row is decided by its own content alone, so it stays on its side when others are added;
    the salt holds the class, so each class is drawn from by itself. A class none of whose rows
    was drawn gives the one with the lowest hash; so does a band of a numeric target, if it has
    rows enough for two.
    """
    if task.split.column is not None:
        marks = rows[task.split.column].astype(str).str.strip().str.lower()
        return np.asarray(marks == "test")
    content = rows[list(task.columns)]
    if task.kind == "regressor":
        return _drawn_with_bands(content, task)
    mask = np.zeros(len(rows), dtype=bool)
    for label in task.labels:
        members = (content[task.target] == label).to_numpy()
        if members.any():
            mask[members] = _drawn(content[members], task, str(label))
    return mask


def _drawn_with_bands(rows: pd.DataFrame, task: Task) -> "np.ndarray[Any, Any]":
    mask, hashes = _drawn(rows, task, ""), row_hashes(rows, salt=f"{task.split.seed}:")
    bands = value_bands(rows[task.target].to_numpy(dtype=float))
    for band in np.unique(bands):
        members = np.flatnonzero(bands == band)
        if len(members) >= 2 / task.split.holdout and not mask[members].any():
            mask[members[np.argmin(hashes[members])]] = True
    return mask


def value_bands(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """A number for each value's order of magnitude, three to a decade, shape (rows,).

    The borders are fixed, so that other rows cannot move a row into another band, as they could
    with quantiles.
    """
    sizes = np.log10(np.abs(values), out=np.full(len(values), -np.inf), where=values != 0)
    bands = np.where(np.isfinite(sizes), np.floor(3 * sizes) + 1000, 0)  # 10^-308 is the smallest
    return np.asarray(np.sign(values) * bands)


def _drawn(rows: pd.DataFrame, task: Task, stratum: str) -> "np.ndarray[Any, Any]":
    hashes = row_hashes(rows, salt=f"{task.split.seed}:{stratum}")
    drawn: np.ndarray[Any, Any] = hashes < np.uint64(task.split.holdout * 2**64)
    if not drawn.any() and len(rows) > 1:
        drawn[np.argmin(hashes)] = True
    return drawn


def split(rows: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows and hold-out rows."""
    mask = holdout_mask(rows, task)
    return rows[~mask], rows[mask]


def unseen_under(rows: pd.DataFrame, now: Task, then: Task) -> "np.ndarray[Any, Any] | None":
    """True for the rows that a model trained under another state of the task cannot have learnt.

    A row's side follows from its content, so it can be told for rows that arrived later, too.
    None where it cannot: the rows were read from the source differently then.
    """
    same = now.cleaning.missing == then.cleaning.missing
    if not same or any(_read_as(now, name) != _read_as(then, name) for name in then.columns):
        return None
    held = holdout_mask(rows, then)
    if then.kind == "regressor" or then.split.column is not None:
        return held
    known = rows[then.target].isin(then.labels).to_numpy()
    return np.asarray(held | ~known)


def _read_as(task: Task, name: str) -> dict[str, Any] | None:
    """What decides the clean value of a column."""
    ways = {"type", "missing", "strip", "replace", "decimal", "thousands", "format"}
    return task.columns[name].model_dump(include=ways) if name in task.columns else None
