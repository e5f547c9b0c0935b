"""Answers held against what turned out to be true."""

from collections.abc import Sequence
from typing import Any

from rookery.core.metrics import classification_metrics, regression_metrics
from rookery.core.onehot import target_codes
from rookery.core.task import Task


def known(value: Any, task: Task) -> Any:
    """A label of the task, or a number; None for what is neither.

    Models of older scripts answer with the number of a class. Where the classes are true and
    false, a number could mean two things, and means nothing.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if task.kind == "regressor":
        return float(value) if is_number else None
    if is_number and False not in task.labels:
        return {code: label for label, code in target_codes(task).items()}.get(value)
    return next((one for one in task.labels if type(one) is type(value) and one == value), None)


def live_metrics(truth: Sequence[Any], said: Sequence[Any], task: Task) -> dict[str, float]:
    """Metrics of answers, without those that need probabilities; none where there is no row."""
    if not truth:
        return {}
    if task.kind == "regressor":
        return regression_metrics(list(truth), list(said))
    return classification_metrics(list(truth), list(said), None, task.labels)
