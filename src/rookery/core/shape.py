"""The hold-out in the form that a model takes: raw columns, or one-hot as older scripts use."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rookery.core.located import brief
from rookery.core.metrics import evaluate
from rookery.core.onehot import onehot, target_codes
from rookery.core.task import Task
from rookery.errors import Refused


def inputs_for(rows: pd.DataFrame, task: Task, columns: Sequence[str]) -> pd.DataFrame:
    """The columns that a model asks for, from clean rows.

    Raises:
        Refused: the model asks for a column that neither form of the table has.
    """
    if set(columns) <= set(rows.columns):
        return rows[list(columns)]
    wide = onehot(rows, task)
    unknown = [name for name in columns if name not in wide.columns]
    if unknown:
        raise Refused(
            f"the model takes columns that {task.name} has not: {brief(unknown, 6)}",
            field="signature",
            value=brief(columns),
            allowed=f"columns of {task.name}_clean "
            f"({brief(rows.columns)}) or of {task.name}_onehot",
        )
    return wide[list(columns)]


def score_on(
    model: Any, rows: pd.DataFrame, task: Task, columns: Sequence[str]
) -> dict[str, float]:
    """Metrics of any model of this task on clean rows, whichever form it was trained on.

    Raises:
        Refused: its columns or classes are not those of the task.
    """
    X = inputs_for(rows, task, columns)
    if task.kind == "regressor":
        return evaluate(model, X, rows[task.target], ())
    classes = set(getattr(model, "classes_", ()))
    codes = target_codes(task)
    if classes and classes <= set(task.labels):
        return evaluate(model, X, rows[task.target], task.labels)
    if classes and classes <= set(codes.values()):
        return evaluate(model, X, rows[task.target].map(codes), list(codes.values()))
    raise Refused(
        f"the model's classes are not those of {task.name}: {brief(sorted(map(str, classes)))}",
        field="classes",
        value=brief(sorted(map(str, classes))),
        allowed=f"{brief(task.labels)}, or their numbers {brief(codes.values())}",
    )
