"""Candidates: one estimator with one parameter set each, fitted and scored."""

import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import resample
from threadpoolctl import threadpool_limits

from rookery.core.families import FAMILIES, SEED, build_estimator, simplicity
from rookery.core.metrics import TIE_BREAKERS, evaluate
from rookery.core.pipeline import build_pipeline
from rookery.core.task import Task


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
            listed.append(Candidate(family, estimator, chosen, spec.max_rows))
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
) -> Scored:
    """Cross-validate on the training rows, fit on all of them, score on the hold-out.

    Both frames hold clean rows with the target. Folds are seeded and sums are added on one
    thread, so equal input gives metrics that are equal to the last bit.
    """
    train = sample(train, task, candidate.max_rows)
    X, y = train[task.inputs], train[task.target]
    pipeline = candidate.pipeline(task)
    with threadpool_limits(1):  # several threads add in an order that depends on their number
        metrics = cross_validated(pipeline, task, X, y) if cross_validate else {}
        started = time.perf_counter()
        pipeline.fit(X, y)
        fit_seconds = time.perf_counter() - started
        held = evaluate(pipeline, holdout[task.inputs], holdout[task.target], task.labels)
    metrics |= {f"holdout_{name}": value for name, value in held.items()}
    return Scored(pipeline, metrics, fit_seconds, len(train))


def cross_validated(
    pipeline: Pipeline, task: Task, X: pd.DataFrame, y: pd.Series
) -> dict[str, float]:
    """Mean and standard deviation over the folds: `cv_<metric>` and `cv_<metric>_std`."""
    scores: dict[str, list[float]] = {}
    for train, test in folds(task, y):
        fitted = clone(pipeline).fit(X.iloc[train], y.iloc[train])
        found = evaluate(fitted, X.iloc[test], y.iloc[test], task.labels)
        for name, value in found.items():
            scores.setdefault(name, []).append(value)
    means = {f"cv_{name}": float(np.mean(values)) for name, values in scores.items()}
    spread = {f"cv_{name}_std": float(np.std(values)) for name, values in scores.items()}
    return means | spread


def folds(task: Task, y: pd.Series) -> list[tuple[Any, Any]]:
    """Row positions (train, test) of each fold, the same for every candidate."""
    smallest = int(y.value_counts().min()) if task.kind == "classifier" else len(y)
    count = max(2, min(task.split.folds, smallest))
    # a class with a single row cannot be in every fold: stratify only when it can
    stratify = task.kind == "classifier" and smallest >= 2
    cls = StratifiedKFold if stratify else KFold
    return list(cls(count, shuffle=True, random_state=SEED).split(np.zeros(len(y)), y))


def sample(train: pd.DataFrame, task: Task, most: int | None) -> pd.DataFrame:
    """At most so many rows, drawn with a seed; classes keep their shares."""
    if most is None or len(train) <= most:
        return train
    chosen = resample(
        np.arange(len(train)),
        replace=False,
        n_samples=most,
        random_state=SEED,
        stratify=train[task.target] if task.kind == "classifier" else None,
    )
    return train.iloc[np.sort(chosen)]


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
