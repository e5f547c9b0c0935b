"""The clean rows of a task, as every job after cleaning takes them."""

import pandas as pd

from rookery.core.cleaning import read_back
from rookery.core.holdout import split
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.project import Project


def read_clean(project: Project) -> pd.DataFrame:
    """The clean table in the task's types, in the order of the table.

    Raises:
        InputError: there is no clean table yet. Unavailable: the database failed.
    """
    return read_back(project.tables.read(project.clean), project.task)


def split_rows(rows: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows and hold-out rows of a task, enough of both to learn from.

    Raises:
        InputError: there are too few, or of one class only.
    """
    train, holdout = split(rows, task)
    if len(holdout) == 0 or len(train) < 2 * task.split.folds:
        raise InputError(
            f"{task.name}_clean has too few rows to learn from: {len(train)} to train on, "
            f"{len(holdout)} held out",
            field="split",
            value=len(train) + len(holdout),
            allowed=f"at least {2 * task.split.folds} training rows and 1 held out",
        )
    if task.kind == "classifier" and train[task.target].nunique() < 2:
        raise InputError(
            f"all training rows of {task.name}_clean have the same {task.target}",
            field="target",
            value=str(train[task.target].iloc[0]),
            allowed="at least two classes",
        )
    return train, holdout
