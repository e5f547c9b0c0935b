"""Candidates: one estimator with one parameter set each, fitted and scored."""

import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from rookery.core.budget import Budget, Skipped
from rookery.core.families import FAMILIES, build_estimator, missing_library, simplicity
from rookery.core.metrics import TIE_BREAKERS, answers, evaluate, measured
from rookery.core.pipeline import build_pipeline
from rookery.core.sampling import folds, sample
from rookery.core.task import Task
from rookery.core.threshold import choose, with_threshold

# parameters of a run that are not its candidate's
BY_TASK = frozenset({"threshold", "target_transform"})


@dataclass(frozen=True)
class Candidate:
    """One estimator with one parameter set; `rk.Candidate("my_forest", RandomForestClassifier())`.

    A bare estimator is put behind the task's features and encoding; a Pipeline is taken as it is
    and is given the raw columns.
    """

    family: str
    estimator: BaseEstimator
    parameters: dict[str, Any] = field(default_factory=dict)
    max_rows: int | None = None
    skip: bool = False  # above `max_rows`, instead of a sample

    def pipeline(self, task: Task) -> Pipeline:
        estimator = clone(self.estimator)
        return estimator if isinstance(estimator, Pipeline) else build_pipeline(task, estimator)

    def described(self) -> dict[str, Any]:
        """The parameters to log: those of the task file, or those that differ from the default."""
        if self.parameters:
            return self.parameters
        defaults = inspect.signature(type(self.estimator)).parameters
        given = self.estimator.get_params(deep=False)
        return {
            key: value for key, value in given.items() if repr(defaults[key].default) != repr(value)
        }


@dataclass(frozen=True)
class Scored:
    """A fitted candidate and what it reached; metric names carry `cv_` or `holdout_`."""

    pipeline: Pipeline
    metrics: dict[str, float]
    fit_seconds: float
    rows: int
    threshold: float | None = None


def expand(task: Task, extra: Sequence[Candidate] = ()) -> list[tuple[str, Candidate]]:
    """The task's candidates and the user's own, each with its run name `<family>-<n>`."""
    listed: list[Candidate] = []
    for family, spec in task.candidates.items():
        path = spec.estimator or FAMILIES[family].path(task.kind)
        calibrated = (
            not spec.estimator and FAMILIES[family].calibrated and task.kind == "classifier"
        )
        for parameters in spec.sets:
            chosen = spec.fixed | parameters
            estimator = build_estimator(str(path), chosen, calibrated=calibrated)
            skip = spec.above_max_rows == "skip"
            listed.append(Candidate(family, estimator, chosen, spec.max_rows, skip))
    counts: dict[str, int] = {}
    named = []
    for candidate in [*listed, *extra]:
        counts[candidate.family] = counts.get(candidate.family, 0) + 1
        named.append((f"{candidate.family}-{counts[candidate.family]}", candidate))
    return named


def fit_candidate(
    candidate: Candidate,
    task: Task,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    cross_validate: bool,
    budget: Budget | None = None,
) -> Scored:
    """Cross-validate on the training rows, fit on all of them, score on the hold-out.

    Both frames hold clean rows with the target. Folds are seeded and sums are added on one
    thread, so equal input gives metrics that are equal to the last bit. A threshold is chosen on
    what the folds answered of the rows they had not seen.

    Raises:
        Skipped: the candidate is not to be fitted on so many rows, not in this environment, or
            would not be ready within the budget.
    """
    _check(candidate, len(train))
    if budget:
        budget.spend()
    train = sample(train, task, candidate.max_rows)
    X, y = train[task.inputs], train[task.target]
    pipeline = candidate.pipeline(task)
    with threadpool_limits(1):  # several threads add in an order that depends on their number
        parts = _on_folds(pipeline, task, X, y, budget) if cross_validate or task.threshold else []
        threshold = _threshold(task, parts)
        metrics = _averaged(task, parts, threshold) if cross_validate else {}
        if threshold is not None:
            pipeline = with_threshold(pipeline, threshold, task.positive)
        started = time.perf_counter()
        pipeline.fit(X, y)
        fit_seconds = time.perf_counter() - started
        held = evaluate(pipeline, holdout[task.inputs], holdout[task.target], task.labels)
    metrics |= {f"holdout_{name}": value for name, value in held.items()}
    return Scored(pipeline, metrics, fit_seconds, len(train), threshold)


def _check(candidate: Candidate, rows: int) -> None:
    missing = missing_library(candidate.estimator)
    if missing:
        raise Skipped(missing)
    if candidate.skip and candidate.max_rows is not None and rows > candidate.max_rows:
        raise Skipped(f"{rows} training rows, and max_rows is {candidate.max_rows}")


@dataclass(frozen=True)
class _Fold:
    """What was answered of rows that were not learnt from."""

    y: pd.Series
    y_pred: Any
    scores: Any


def _on_folds(
    pipeline: Pipeline, task: Task, X: pd.DataFrame, y: pd.Series, budget: Budget | None
) -> list[_Fold]:
    found: list[_Fold] = []
    parts, started = folds(task, y), time.perf_counter()
    for train, test in parts:
        if budget and found:
            each = (time.perf_counter() - started) / len(found)
            # the other folds, and all rows at the end
            budget.spend(each * (len(parts) - len(found) + len(parts) / (len(parts) - 1)))
        fitted = clone(pipeline).fit(X.iloc[train], y.iloc[train])
        found.append(_Fold(y.iloc[test], *answers(fitted, X.iloc[test], task.labels)))
    return found


def _threshold(task: Task, parts: Sequence[_Fold]) -> float | None:
    if task.threshold is None:
        return None
    if any(part.scores is None for part in parts):
        raise ValueError("an estimator without predict_proba takes no threshold")
    truth = np.concatenate([(part.y == task.positive).to_numpy() for part in parts])
    return choose(task.threshold, truth, np.concatenate([part.scores[:, 1] for part in parts]))


def _averaged(task: Task, parts: Sequence[_Fold], threshold: float | None) -> dict[str, float]:
    """Mean and standard deviation over the folds: `cv_<metric>` and `cv_<metric>_std`."""
    scores: dict[str, list[float]] = {}
    for part in parts:
        labels = part.y_pred
        if threshold is not None:
            above = (part.scores[:, 1] >= threshold).astype(np.intp)
            labels = np.asarray(task.labels, dtype=object)[above]
        for name, value in measured(part.y, labels, part.scores, task.labels).items():
            scores.setdefault(name, []).append(value)
    means = {f"cv_{name}": float(np.mean(values)) for name, values in scores.items()}
    spread = {f"cv_{name}_std": float(np.std(values)) for name, values in scores.items()}
    return means | spread


def ranking_key(
    task: Task, family: str, position: int, metrics: dict[str, float]
) -> tuple[Any, ...]:
    """Sorts the best first: cross-validated mean, then log loss (or MAE), then the simpler one.

    Without cross-validation the hold-out metrics stand in.
    """
    prefix = "cv_" if f"cv_{task.metric}" in metrics else "holdout_"

    def cost(metric: str, *, higher_is_better: bool) -> float:
        value = metrics.get(f"{prefix}{metric}", np.nan)
        if not np.isfinite(value):
            return float("inf")
        # rounded, because a sum over folds in another order must not decide
        return round(-value if higher_is_better else value, 12)

    return (
        cost(task.metric, higher_is_better=task.higher_is_better),
        cost(TIE_BREAKERS[task.kind], higher_is_better=False),
        simplicity(family),
        position,
    )
