"""Changing a column that must not matter changes no answer."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from rookery.core.check_sections import Invariance
from rookery.core.checks.asked import ROUNDING, Asked
from rookery.core.checks.found import Check, Found
from rookery.core.resampling import Answers, Numbers
from rookery.core.task import Task

MOST_CHANGES = 5  # of a column with many values: each asks all rows again


def checks(task: Task) -> Iterator[Check]:
    for column, rule in task.checks.invariance.items():
        yield Check("invariance", column, partial(measure, column, rule))


def measure(column: str, rule: Invariance, asked: Asked) -> Found:
    """The share of rows of which any change of the column changes the answer."""
    rows, was = asked.some, asked.said
    counted, worst = np.zeros(len(rows), dtype=bool), np.zeros(len(rows))
    shown = (worst, was, was, rows[[column]])
    for values in _others(asked.task, rows[column]):
        other = (values.ne(rows[column]) & rows[column].notna()).to_numpy()
        now = asked.again(rows.assign(**{column: values}))
        moved = np.where(other, _moved(was, now, rule), 0.0)
        if moved.max(initial=0.0) > shown[0].max(initial=0.0):
            shown = (moved, now, was, values.to_frame())
        worst, counted = np.maximum(worst, moved), counted | other
    many = int(counted.sum())
    if not many:
        says = f"{column} has one value in all {len(rows)} rows, so it could not be changed"
        return Found(False, None, "at most", rule.share, len(rows), says)
    share = float((worst > 0).sum()) / many
    says = (
        f"changing only {column} changes the answer to {share:.2%} of {many} rows"
        f"{_beyond(rule)}; {rule.share:.2%} may"
    )
    examples = asked.examples(rows, *shown)
    return Found(share <= rule.share, share, "at most", rule.share, many, says, examples)


def _beyond(rule: Invariance) -> str:
    return f" by more than {rule.tolerance:g}" if rule.tolerance else ""


def _others(task: Task, column: pd.Series) -> Iterator[pd.Series]:
    """The column with other values in all rows that have one, at most MOST_CHANGES times.

    Values of a list are replaced by the next ones in it; numbers, dates and texts by those of the
    rows half-way through all rows.
    """
    spec = task.columns[str(column.name)]
    values = list(spec.values or ((False, True) if spec.type == "boolean" else ()))
    if not values:
        there = column.notna().to_numpy()
        found = column.copy()
        found[there] = np.roll(column[there].to_numpy(), int(there.sum()) // 2)
        yield found
        return
    steps = np.unique(np.linspace(1, len(values) - 1, MOST_CHANGES).round().astype(int))
    for step in steps[: len(values) - 1]:
        following = dict(zip(values, values[step:] + values[:step], strict=True))
        yield column.map(following, na_action="ignore").astype(column.dtype)


def _moved(was: Answers, now: Answers, rule: Invariance) -> Numbers:
    """How far each answer moved beyond what is tolerated, 0 where it did not, shape (rows,)."""
    if was.labels and (rule.tolerance is None or was.scores is None or now.scores is None):
        return np.asarray(was.predicted != now.predicted, dtype=float)
    if was.scores is not None and now.scores is not None:
        gaps, size = np.abs(now.scores - was.scores).max(axis=1), np.ones(len(was))
    else:
        gaps, size = np.abs(now.predicted - was.predicted), np.maximum(1, np.abs(was.predicted))
    allowed = (rule.tolerance or 0.0) + ROUNDING * size
    return np.asarray(np.where(gaps > allowed, gaps, 0.0))
