"""The model bears rows that lack values."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from rookery.core.check_sections import Cells, optional_inputs
from rookery.core.checks.asked import Asked
from rookery.core.checks.found import Check, Found
from rookery.core.comparison import metrics_of
from rookery.core.families import SEED
from rookery.core.gate import shortfall
from rookery.core.resampling import Answers, Numbers
from rookery.core.task import Task


def checks(task: Task) -> Iterator[Check]:
    rule = task.checks.missing
    if rule is None:
        return
    metric = rule.metric or task.metric
    for column, worse_by in rule.columns.items():
        yield Check("missing", column, partial(measure_column, column, metric, worse_by))
    if rule.cells:
        yield Check("missing", "cells", partial(measure_cells, rule.cells, metric))


def measure_column(column: str, metric: str, worse_by: float, asked: Asked) -> Found:
    """How much worse the metric gets when no row has a value in the column."""
    rows = asked.some
    taken = {column: np.ones(len(rows), dtype=bool)}
    return _without(asked, taken, metric, worse_by, f"without {column}")


def measure_cells(cells: Cells, metric: str, asked: Asked) -> Found:
    """How much worse the metric gets when a share of the values is missing, drawn with a seed."""
    draw = np.random.default_rng(SEED)
    taken = {
        column: draw.random(len(asked.some)) < cells.share for column in optional_inputs(asked.task)
    }
    what = f"without {cells.share:.0%} of the values of {', '.join(taken)}"
    return _without(asked, taken, metric, cells.worse_by, what)


def _without(
    asked: Asked, taken: dict[str, Numbers], metric: str, worse_by: float, what: str
) -> Found:
    rows, was = asked.some, asked.said
    gapped = {column: _gapped(rows[column], mask) for column, mask in taken.items()}
    try:
        now = asked.again(rows.assign(**gapped))
    except Exception as error:  # whatever an estimator raises at a value that is missing
        says = (
            f"{what} the model fails: {type(error).__name__}: {str(error)[:200]}; fill the gaps "
            "in its pipeline, or mark the column as required"
        )
        return Found(False, None, "at most", worse_by, len(rows), says)
    before, after = (metrics_of(answers).get(metric) for answers in (was, now))
    if before is None or after is None:
        says = f"{metric} could not be measured on {len(rows)} rows"
        return Found(False, None, "at most", worse_by, len(rows), says)
    worse = shortfall(metric, after, before)
    says = (
        f"{what} {metric} is {after:.4g} instead of {before:.4g} on {len(rows)} rows: worse by "
        f"{max(worse, 0.0):.4g}, at most {worse_by:g} allowed"
    )
    examples = asked.examples(rows, _harm(was, now), now, was, pd.DataFrame(gapped))
    return Found(worse <= worse_by + 1e-12, worse, "at most", worse_by, len(rows), says, examples)


def _gapped(column: pd.Series, mask: Numbers) -> pd.Series:
    """With gaps, in the type of a column that always had some."""
    whole = pd.api.types.is_bool_dtype(column) or pd.api.types.is_integer_dtype(column)
    return (column.astype("float64") if whole else column).mask(mask)


def _harm(was: Answers, now: Answers) -> Numbers:
    """How much further from the truth each answer is, shape (rows,)."""
    if not was.labels:
        return np.asarray(np.abs(now.predicted - now.truth) - np.abs(was.predicted - was.truth))
    right = [np.asarray(answers.predicted == answers.truth, dtype=float) for answers in (was, now)]
    return np.asarray(right[0] - right[1])
