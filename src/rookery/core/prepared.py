"""Clean rows as files hold them: read back to the last bit, and with the derived features."""

from typing import Any

import numpy as np
import pandas as pd

from rookery.core.derived import derive
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.core.values import FALSE, TRUE

WORDS = dict.fromkeys(TRUE, 1.0) | dict.fromkeys(FALSE, 0.0)


def as_cleaned(task: Task) -> Task:
    """The task for rows that were cleaned: how their source wrote them is no matter any more."""
    written: dict[str, Any] = {"source_name": None, "strip": (), "replace": {}}
    columns = {name: column.model_copy(update=written) for name, column in task.columns.items()}
    return task.model_copy(update={"columns": columns})


def with_features(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The rows with every derived feature of the task as a further column, float64."""
    return rows.assign(**derived_columns(rows, task))


def derived_columns(rows: pd.DataFrame, task: Task) -> dict[str, Any]:
    """Each derived feature, shape (rows,)."""
    specs = {
        name: spec.model_dump(mode="python", exclude_none=True)
        for name, spec in task.features.items()
    }
    return {name: derive(rows, spec) for name, spec in specs.items()}


def differing_features(cells: pd.DataFrame, rows: pd.DataFrame, task: Task) -> list[str]:
    """Derived features whose column in a file (text) is not what the rows give."""
    return [
        name
        for name, values in derived_columns(rows, task).items()
        if name in cells and not np.array_equal(_floats(cells[name]), values, equal_nan=True)
    ]


def typed_cells(cells: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Text cells of a file of clean rows in the task's types; an empty one is missing.

    Every number is the float nearest to its text, as it was written: pandas' own reader may be a
    bit off, which would be another row.

    Raises:
        ValueError: a cell is not of its column's type.
    """
    return pd.DataFrame(
        {name: _typed(cells[name], column) for name, column in task.columns.items()},
        index=cells.index,
    )


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.type in ("float", "integer"):
        return _floats(values)
    if column.type == "boolean":
        return values.str.lower().map(WORDS.__getitem__, na_action="ignore").astype("float64")
    if column.type == "date":
        return pd.to_datetime(values, format="ISO8601").astype("datetime64[us]")
    return values


def _floats(values: pd.Series) -> pd.Series:
    return values.astype(object).map(float, na_action="ignore").astype("float64")
