"""Which training rows go into which fold, or into a smaller sample; classes keep their shares."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import resample

from rookery.core.families import SEED
from rookery.core.task import Task

MOST_BINS = 10  # of a target that is a number


def strata(task: Task, y: pd.Series, smallest: int) -> "np.ndarray[Any, Any]":
    """What shares are kept of, shape (rows,): the class, or which tenth of the numbers it is in.

    Of few rows there are fewer bins, so that none has less than `smallest`; equal numbers are
    parted in the order of the rows.
    """
    if task.kind == "classifier":
        return np.asarray(y)
    bins = min(MOST_BINS, max(1, len(y) // smallest))
    return np.asarray((y.rank(method="first").to_numpy() - 1) * bins // len(y), dtype=np.int64)


def folds(task: Task, y: pd.Series) -> list[tuple[Any, Any]]:
    """Row positions (train, test) of each fold, the same for every candidate."""
    smallest = int(y.value_counts().min()) if task.kind == "classifier" else len(y)
    count = max(2, min(task.split.folds, smallest))
    # a class with a single row cannot be in every fold: stratify only when it can
    cls = StratifiedKFold if smallest >= 2 else KFold
    chosen = cls(count, shuffle=True, random_state=SEED)
    return list(chosen.split(np.zeros(len(y)), strata(task, y, count)))


def sample(train: pd.DataFrame, task: Task, most: int | None) -> pd.DataFrame:
    """At most so many rows, drawn with a seed, in their order."""
    if most is None or len(train) <= most:
        return train
    chosen = resample(
        np.arange(len(train)),
        replace=False,
        n_samples=most,
        random_state=SEED,
        stratify=strata(task, train[task.target], -(-len(train) // most)),
    )
    return train.iloc[np.sort(chosen)]
