"""Answers held against what turned out to be true."""

from collections.abc import Sequence
from typing import Any

from rookery.core.metrics import classification_metrics, regression_metrics
from rookery.core.onehot import target_codes
from rookery.core.task import Task


def known(value: Any, task: Task) -> Any:
    """A label of the task, or a number; None for what is neither.

    Models of older scripts answer with the number of a class.
    """
    if task.kind == "regressor":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None
    by_code = {code: label for label, code in target_codes(task).items()}
    same = [label for label in task.labels if type(label) is type(value) and label == value]
    return same[0] if same else by_code.get(value)


def live_metrics(truth: Sequence[Any], said: Sequence[Any], task: Task) -> dict[str, float]:
    """Metrics of answers, without those that need probabilities; none where there is no row."""
    if not truth:
        return {}
    if task.kind == "regressor":
        return regression_metrics(list(truth), list(said))
    return classification_metrics(list(truth), list(said), None, task.labels)
