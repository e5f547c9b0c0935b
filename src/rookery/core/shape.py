"""The hold-out in the form that a model takes: raw columns, or one-hot as older scripts use."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.comparison import metrics_of
from rookery.core.located import brief
from rookery.core.metrics import probabilities
from rookery.core.onehot import onehot, target_codes
from rookery.core.resampling import Answers
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


def answers_on(model: Any, rows: pd.DataFrame, task: Task, columns: Sequence[str]) -> Answers:
    """What any model of this task says of clean rows, whichever form it was trained on.

    Raises:
        Refused: its columns or classes are not those of the task.
    """
    X = inputs_for(rows, task, columns)
    if task.kind == "regressor":
        truth = rows[task.target].to_numpy(dtype=float)
        return Answers(truth, np.asarray(model.predict(X), dtype=float).reshape(len(rows)))
    said = _classes_as_said(model, task)
    place = {label: position for position, label in enumerate(said)}
    predicted = [place[label] for label in np.asarray(model.predict(X)).tolist()]
    known = {label: position for position, label in enumerate(task.labels)}
    truth = np.array([known[label] for label in rows[task.target].tolist()], dtype=int)
    scores = probabilities(model, X, said) if hasattr(model, "predict_proba") else None
    return Answers(truth, np.array(predicted, dtype=int), scores, len(said))


def score_on(
    model: Any, rows: pd.DataFrame, task: Task, columns: Sequence[str]
) -> dict[str, float]:
    """Metrics of any model of this task on clean rows; raises what `answers_on` raises."""
    return metrics_of(answers_on(model, rows, task, columns))


def _classes_as_said(model: Any, task: Task) -> list[Any]:
    """The task's classes, in its order, as the model writes them: labels, or their numbers."""
    classes = set(getattr(model, "classes_", ()))
    codes = list(target_codes(task).values())
    for said in (list(task.labels), codes):
        if classes and classes <= set(said):
            return said
    raise Refused(
        f"the model's classes are not those of {task.name}: {brief(sorted(map(str, classes)))}",
        field="classes",
        value=brief(sorted(map(str, classes))),
        allowed=f"{brief(task.labels)}, or their numbers {brief(codes)}",
    )
