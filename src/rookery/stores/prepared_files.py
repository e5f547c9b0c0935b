"""Clean rows as files that pass between jobs of CI: `cleaned_<task>.csv`, `featured_<task>.csv`."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from rookery.core.located import brief
from rookery.core.prepared import differing_features, typed_cells, with_features
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.stores.batches import Batch, file_digest


def cleaned_name(task: Task) -> str:
    return f"cleaned_{task.name}.csv"


def featured_name(task: Task) -> str:
    return f"featured_{task.name}.csv"


def is_prepared(path: Path, task: Task) -> bool:
    """Whether a file's name says that its rows are clean."""
    return path.name in (cleaned_name(task), featured_name(task))


def write_prepared(folder: Path, rows: pd.DataFrame, task: Task) -> list[Path]:
    """Both files; numbers are written so that they come back to the last bit."""
    frames = {cleaned_name(task): rows, featured_name(task): with_features(rows, task)}
    for name, frame in frames.items():
        part = folder / f"{name}.part"
        frame.to_csv(part, index=False, lineterminator="\n")
        part.replace(folder / name)
    return [folder / name for name in frames]


def open_prepared(path: Path, task: Task) -> Batch:
    """The rows of a file that `write_prepared` wrote.

    Raises:
        InputError: it is no such file, or its derived features are not those of the rows.
    """
    cells = _cells(path)
    try:
        rows = typed_cells(cells, task)
    except (KeyError, ValueError) as error:
        raise _unreadable(path, task, error) from error
    other = differing_features(cells, rows, task)
    if other:
        raise InputError(
            f"{path}: {brief(other)} is not what the rows of the file give",
            field="--data",
            value=brief(other),
            allowed=f"features as the configuration derives them, or {cleaned_name(task)}",
        )
    columns = [name for name in cells.columns if name not in task.features]

    def chunks() -> Iterator[pd.DataFrame]:
        yield rows

    return Batch(file_digest(path), path.name, columns, chunks)


def _cells(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}",
            field="--data",
            value=str(path),
            allowed="a UTF-8 CSV file with a header and at least one row",
        ) from error


def _unreadable(path: Path, task: Task, error: Exception) -> InputError:
    missing = isinstance(error, KeyError) and str(error.args[0]) in task.columns
    what = f"has no column {error}" if missing else f"holds a value of another type: {error}"
    return InputError(
        f"{path} {what}",
        field="--data",
        value=str(path),
        allowed="clean rows as `rookery train --processed-dir` writes them; "
        "a file of raw rows has another name",
    )
