"""What each raw column is worth to a model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.inspection import permutation_importance

from rookery.core.canvas import PALETTE, Numbers, canvas, number, short
from rookery.core.families import SEED
from rookery.core.metrics import DIRECTIONS, PROBABLE, classification_metrics, evaluate
from rookery.core.task import Task

MOST_COLUMNS = 20  # bars that can still be read
MOST_ROWS = 1000
MOST_PREDICTIONS = 150  # of all rows at once; each costs some milliseconds
MOST_TRIED = 60  # columns one by one; of more, those of the groups that are worth most
GROUPS = 25

Score = Callable[[Any, pd.DataFrame, pd.Series], float]


def importance(
    model: Any, X: pd.DataFrame, y: pd.Series, task: Task, labels: Sequence[Any]
) -> Figure:
    """What shuffling a raw column costs; few repeats, because each predicts all rows again.

    Of more than 60 columns only those are tried that are in the groups whose shuffling costs most.
    """
    if len(X) > MOST_ROWS:
        X = X.sample(MOST_ROWS, random_state=SEED)
        y = y.loc[X.index]
    before = evaluate(model, X, y, labels)
    # a model without probabilities has no log loss, and rows of one class no ROC AUC
    metric = task.metric if task.metric in before else next(iter(before))
    score = _scorer(metric, labels)
    tried = X[_worth_trying(model, X, y, score)]
    found = permutation_importance(
        model,
        tried,
        y,
        random_state=SEED,
        scoring=lambda model, shuffled, y: score(model, _replaced(X, shuffled), y),
        n_repeats=int(np.clip(MOST_PREDICTIONS // tried.shape[1], 2, 5)),
    )
    order = np.argsort(-found.importances_mean, kind="stable")[:MOST_COLUMNS]
    return _bars(
        [str(tried.columns[index]) for index in order],
        found.importances_mean[order],
        found.importances_std[order],
        _cost(task, metric),
        f"{metric} {number(before[metric])} before shuffling",
        X.shape[1] - len(order),
    )


def _worth_trying(model: Any, X: pd.DataFrame, y: pd.Series, score: Score) -> list[Any]:
    """All columns; of very many, those of the groups that cost most when shuffled together."""
    if X.shape[1] <= MOST_TRIED:
        return list(X.columns)
    draw, left = np.random.default_rng(SEED), {}
    for group in np.array_split(X.columns.to_numpy(), GROUPS):
        names = group.tolist()
        shuffled = X[names].iloc[draw.permutation(len(X))].set_axis(X.index)
        left[tuple(names)] = score(model, _replaced(X, shuffled), y)
    worst_first = [name for group in sorted(left, key=lambda group: left[group]) for name in group]
    return worst_first[:MOST_TRIED]


def _replaced(X: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    whole = X.copy()
    whole[list(columns)] = columns
    return whole


def _scorer(metric: str, labels: Sequence[Any]) -> Score:
    """A metric where more is better; probabilities are asked for only where it needs them."""
    sign = 1 if DIRECTIONS[metric] == "maximize" else -1

    def score(model: Any, X: pd.DataFrame, y: pd.Series) -> float:
        if not labels or metric in PROBABLE:
            return sign * evaluate(model, X, y, labels)[metric]
        y_pred = np.asarray(model.predict(X))
        return sign * classification_metrics(y.to_numpy(), y_pred, None, labels)[metric]

    return score


def _cost(task: Task, metric: str) -> str:
    unit = task.columns[task.target].unit
    has_unit = unit and metric in ("rmse", "mae", "median_absolute_error")
    direction = "loss" if DIRECTIONS[metric] == "maximize" else "rise"
    return f"{direction} of {metric}{f' ({unit})' if has_unit else ''} when the column is shuffled"


def _bars(
    names: list[str], means: Numbers, spread: Numbers, cost: str, before: str, hidden: int
) -> Figure:
    more = f"; first {len(names)} of {len(names) + hidden}" if hidden else ""
    figure, ax = canvas(1.5 + 0.34 * len(names), f"Permutation importance ({before}{more})")
    ax.barh(
        range(len(names)),
        means,
        xerr=spread,
        color=PALETTE[0],
        error_kw={"ecolor": "black", "capsize": 3, "linewidth": 1},
    )
    ax.axvline(0, color="black", linewidth=1)
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.invert_yaxis()
    ax.set(xlabel=cost)
    return figure
