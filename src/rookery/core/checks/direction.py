"""Raising a number moves the answer the way that it must."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from rookery.core.check_sections import Direction
from rookery.core.checks.asked import ROUNDING, Asked
from rookery.core.checks.found import Check, Found
from rookery.core.resampling import Answers, Numbers
from rookery.core.task import Task


def checks(task: Task) -> Iterator[Check]:
    for column, rule in task.checks.direction.items():
        yield Check("direction", column, partial(measure, column, rule))


def measure(column: str, rule: Direction, asked: Asked) -> Found:
    """The share of rows whose answer goes the right way, or stays, when the column is raised.

    Rows without a value, and those that it would lift above the column's range, are not asked.
    """
    values = asked.some[column]
    step = rule.by or _step(asked.task, values)
    usable = _usable(asked.task, values, step)
    if not usable.any() or not step:
        return _unmeasured(rule, f"no row's {column} can be raised by {step:g}")
    rows, was = asked.some[usable], asked.said.among(usable)
    raised = rows[[column]] + _as_stored(values, step)
    now = asked.again(rows.assign(**{column: raised[column]}))
    before, after = (_wanted(asked.task, rule, answers) for answers in (was, now))
    if before is None or after is None:
        return _unmeasured(rule, "the model gives no probabilities")
    wrong = (before - after) * (1 if rule.goes == "up" else -1)
    edge = ROUNDING * np.maximum(1.0, np.abs(before))
    broken = wrong >= -edge if rule.strictly else wrong > edge
    share = float(1 - broken.mean())
    says = _said(column, rule, asked.task, step, float(broken.mean()), len(rows))
    badness = np.where(broken, wrong + 2 * edge, 0.0)
    examples = asked.examples(rows, badness, now, was, raised)
    for example in examples if asked.task.labels else ():
        example["class"] = _class(asked.task, rule)
    passed = share >= rule.share - 1e-12
    return Found(passed, share, "at least", rule.share, len(rows), says, examples)


def _said(column: str, rule: Direction, task: Task, step: float, broken: float, rows: int) -> str:
    unit = f" {task.columns[column].unit}" if task.columns[column].unit else ""
    what = f"probability of {_class(task, rule)}" if task.labels else task.target
    against = "lowers" if rule.goes == "up" else "raises"
    if rule.strictly:
        against = f"does not {'raise' if rule.goes == 'up' else 'lower'}"
    return (
        f"raising {column} by {step:g}{unit} {against} the {what} in {broken:.2%} of {rows} rows; "
        f"{1 - rule.share:.2%} may"
    )


def _unmeasured(rule: Direction, why: str) -> Found:
    return Found(False, None, "at least", rule.share, 0, why)


def _step(task: Task, values: pd.Series) -> float:
    """One standard deviation; of whole numbers a whole one."""
    spread = float(values.std(ddof=0))
    if task.columns[str(values.name)].type == "integer":
        return float(np.ceil(spread)) if spread > 0 else 0.0
    return float(f"{spread:.3g}") if spread > 0 else 0.0


def _usable(task: Task, values: pd.Series, step: float) -> Numbers:
    bounds = task.columns[str(values.name)].range
    highest = bounds[1] if bounds else np.inf
    return np.asarray(values.notna() & (values + step <= highest))


def _as_stored(values: pd.Series, step: float) -> float | int:
    return int(step) if pd.api.types.is_integer_dtype(values) and step == int(step) else step


def _class(task: Task, rule: Direction) -> object:
    return task.positive if rule.class_ is None else rule.class_


def _wanted(task: Task, rule: Direction, answers: Answers) -> Numbers | None:
    """What must go up or down: the number, or the probability of the class; None without one."""
    if not answers.labels:
        return answers.predicted
    if answers.scores is None:
        return None
    return np.asarray(answers.scores[:, task.labels.index(_class(task, rule))])
