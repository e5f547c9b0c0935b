"""Whether a model that was trained again is the one that was trained before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MEASURED = ("cv_", "holdout_")


@dataclass(frozen=True)
class MetricDifference:
    """One metric that two trainings do not share; None where one of them has it not."""

    name: str
    before: float | None
    now: float | None

    def __str__(self) -> str:
        shown = ["none" if value is None else repr(value) for value in (self.before, self.now)]
        return f"{self.name} was {shown[0]}, is {shown[1]}"


@dataclass(frozen=True)
class AnswerDifference:
    """How two models answer the same rows; `largest_gap` is between probabilities or numbers."""

    rows: int
    different: int
    largest_gap: float


def measured(metrics: Mapping[str, float]) -> dict[str, float]:
    """The cross-validated and hold-out metrics among all numbers of a run."""
    return {name: value for name, value in metrics.items() if name.startswith(MEASURED)}


def metric_differences(
    before: Mapping[str, float], now: Mapping[str, float], tolerance: float = 0.0
) -> list[MetricDifference]:
    """Metrics further apart than `tolerance`, relative or absolute; 0 asks for equal bits."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None or not _close(old, new, tolerance):
            found.append(MetricDifference(name, old, new))
    return found


def _close(one: float, other: float, tolerance: float) -> bool:
    if tolerance == 0:
        return one == other
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def compare_answers(
    before: tuple[Any, Any], now: tuple[Any, Any], tolerance: float = 0.0
) -> AnswerDifference:
    """Labels, which must be equal, and probabilities, shape (rows, classes), of two models.

    A regressor has numbers and no probabilities (None): its numbers must be within `tolerance`.
    """
    (labels, scores), (new_labels, new_scores) = before, now
    labels, new_labels = np.asarray(labels), np.asarray(new_labels)
    if scores is None and new_scores is None and labels.dtype.kind == "f":
        gaps = np.abs(new_labels - labels)
        far = gaps > tolerance * np.maximum(1.0, np.abs(labels))
        return AnswerDifference(len(labels), int(far.sum()), float(gaps.max(initial=0.0)))
    far = labels != new_labels
    if scores is None or new_scores is None:
        return AnswerDifference(len(labels), int(far.sum()), 0.0)
    gaps = np.abs(np.asarray(new_scores) - np.asarray(scores)).max(axis=1, initial=0.0)
    far |= gaps > tolerance
    return AnswerDifference(len(labels), int(far.sum()), float(gaps.max(initial=0.0)))


def other_versions(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, list[str]]:
    """Libraries that were there in another version: then and now."""
    return {
        name: [version, now[name]]
        for name, version in before.items()
        if name in now and now[name] != version
    }
