"""From which probability on a row is given the second of two classes."""

from typing import Any

import numpy as np
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from rookery.core.sections import Threshold

Numbers = np.ndarray[Any, np.dtype[Any]]


def choose(rule: Threshold, truth: Numbers, scores: Numbers) -> float:
    """The threshold that the rule finds best on rows that were not learnt from.

    `truth`, boolean, and `scores`, the probabilities of the second class, have the shape (rows,).
    Every value that parts two scores is tried; of equally good ones the highest is taken.

    Raises:
        ValueError: the rows are of one class only.
    """
    positives = int(truth.sum())
    if not 0 < positives < len(truth):
        raise ValueError("a threshold cannot be chosen on rows of one class")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    # the last row of each run of equal scores: the threshold lies below it
    last = np.append(ranked[:-1] != ranked[1:], True)
    found = np.cumsum(truth[order])[last].astype(float)
    false_alarms = np.cumsum(~truth[order])[last].astype(float)
    gain = _gain(rule, found, false_alarms, positives, len(truth) - positives)
    place = int(np.argmax(gain))
    borders = ranked[last]
    here, below = borders[place], borders[place + 1] if place + 1 < len(borders) else 0.0
    middle = (here + below) / 2
    return float(middle if middle > below else here)  # of neighbours there is no middle


def _gain(
    rule: Threshold, found: Numbers, false_alarms: Numbers, positives: int, negatives: int
) -> Numbers:
    """What is to be maximized, for each threshold from the highest down."""
    missed = positives - found
    if rule.cost is not None:
        return -(rule.cost.false_positive * false_alarms + rule.cost.false_negative * missed)
    if rule.minimum_recall is not None:
        return np.asarray(
            np.where(found / positives >= rule.minimum_recall, -false_alarms, -np.inf)
        )
    if rule.maximize == "f1":
        return np.asarray(2 * found / (2 * found + false_alarms + missed))
    right = negatives - false_alarms
    if rule.maximize == "accuracy":
        return np.asarray((found + right) / (positives + negatives))
    return np.asarray((found / positives + right / negatives) / 2)


def with_threshold(pipeline: Pipeline, threshold: float, positive: Any) -> Pipeline:
    """An unfitted pipeline whose own `predict` says `positive` from that probability on."""
    name, estimator = pipeline.steps[-1]
    fixed = FixedThresholdClassifier(
        estimator, threshold=threshold, pos_label=positive, response_method="predict_proba"
    )
    return Pipeline([*pipeline.steps[:-1], (name, fixed)])
