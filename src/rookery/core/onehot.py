"""The clean rows as older scripts expect them: a number per class, a column per category."""

from typing import Any

import pandas as pd

from rookery.core.task import Task


def onehot_columns(task: Task) -> list[tuple[str, str, str]]:
    """The one-hot columns: (name, source column, value), in the task's order."""
    return [
        (f"{name}_{value}", name, value)
        for name, column in task.columns.items()
        if column.values and name != task.target
        for value in column.values
    ]


def target_codes(task: Task) -> dict[Any, int]:
    """1, 2, 3 … for the classes in the task's order; empty when the target is a number."""
    return {label: index for index, label in enumerate(task.labels, start=1)}


def onehot(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """What the view `<task>_onehot` shows, computed from clean rows."""
    codes = target_codes(task)
    plain = [
        name for name, column in task.columns.items() if not column.values and name != task.target
    ]
    target = rows[task.target].map(codes).astype("int64") if codes else rows[task.target]
    columns = {task.target: target} | {name: rows[name] for name in plain}
    for name, source, value in onehot_columns(task):
        columns[name] = (rows[source] == value).astype("int64")
    return pd.DataFrame(columns, index=rows.index)
