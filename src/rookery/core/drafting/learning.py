"""What to try and what to ask of it: metric, gate and candidates for a kind of problem."""

import math
from dataclasses import dataclass, field
from typing import Any

from rookery.core.families import SEED
from rookery.core.profile.target import Answer, Problem

IMBALANCED = 0.5  # of an equal share: the smallest class has less


@dataclass(frozen=True)
class Choice:
    """One family worth trying: its sets, and for how many rows it is meant."""

    family: str
    problems: tuple[Problem, ...]
    sets: tuple[dict[str, Any], ...]
    fixed: dict[str, Any] = field(default_factory=dict)
    up_to: float = math.inf  # rows of the table; above it, it is not tried
    at_least: int = 0  # rows of the table; below it neither
    of_each: int = 0  # rows of each class, likewise
    max_rows: int | None = None  # that it is fitted on
    why: str = ""


CLASSES: tuple[Problem, ...] = ("binary", "multiclass")
EVERY: tuple[Problem, ...] = (*CLASSES, "regression")
FOREST_ROWS = 20_000
FOREST = "above max_rows fitted on a sample: trees of many rows are slow and large"
# the simplest first; a sweep in minutes on a small machine, so few sets of what is slow
CHOICES = (
    Choice("linear_regression", ("regression",), ({},), why="the baseline: one weight a column"),
    Choice("ridge", ("regression",), ({"alpha": 1.0}, {"alpha": 100.0}), why="smaller weights"),
    Choice(
        "logistic_regression",
        CLASSES,
        ({"C": 0.1}, {"C": 1.0}),
        {"max_iter": 2000},
        why="the baseline: one weight a column",
    ),
    Choice(
        "svc",
        CLASSES,
        ({"C": 1.0}, {"C": 10.0}),
        up_to=3_000,
        of_each=15,  # its probabilities come from five folds of what a fold leaves of a class
        why="for few rows: time grows with their square",
    ),
    Choice(
        "knn",
        EVERY,
        ({"n_neighbors": 5}, {"n_neighbors": 15, "weights": "distance"}),
        up_to=10_000,
        at_least=40,  # rows in which each is to find 15 others
        why="for few rows: each answer looks at all of them",
    ),
    Choice(
        "random_forest",
        CLASSES,
        ({"n_estimators": 100, "min_samples_leaf": 2},),
        {"random_state": SEED},
        max_rows=FOREST_ROWS,
        why=FOREST,
    ),
    Choice(
        "random_forest",
        ("regression",),
        # each split looks at a third of the columns, as Breiman's own for numbers does
        ({"n_estimators": 100, "min_samples_leaf": 2, "max_features": 0.33},),
        {"random_state": SEED},
        max_rows=FOREST_ROWS,
        why=FOREST,
    ),
    Choice(
        "hist_gradient_boosting",
        EVERY,
        (
            {"learning_rate": 0.1, "max_iter": 100},
            {"learning_rate": 0.1, "max_iter": 300, "max_leaf_nodes": 15},
            {"learning_rate": 0.05, "max_iter": 300},
        ),
        {"random_state": SEED, "early_stopping": False},
        why="most often the best on tables, and made for many rows",
    ),
)


def choices_for(answer: Answer, rows: int) -> list[Choice]:
    """The families to try on so many rows."""
    smallest = min(answer.classes.values(), default=rows)
    return [
        one
        for one in CHOICES
        if answer.problem in one.problems
        and one.at_least <= rows <= one.up_to
        and one.of_each <= smallest
    ]


@dataclass(frozen=True)
class Goal:
    """What candidates are ranked by, the least that a version must reach, and why."""

    metric: str
    direction: str
    minimum: dict[str, float]
    why_metric: str
    why_minimum: str


def goal_for(answer: Answer) -> Goal:
    """A metric that suits the target, and a minimum a tenth above what knows nothing reaches."""
    if answer.problem == "regression":
        spread = answer.seen.values.std()
        return Goal(
            "rmse",
            "minimize",
            {"r2": 0.1},
            f"the usual error of a number; always saying the mean has about {spread:.4g}",
            "always saying the mean has r2 0, so a tenth of the spread must be explained",
        )
    if answer.problem == "binary":
        return Goal(
            "roc_auc",
            "maximize",
            {"roc_auc": 0.55},
            "how well the classes are told apart, whatever their shares",
            "guessing has roc_auc 0.5; a tenth of the way to 1",
        )
    return _of_many(answer)


def _of_many(answer: Answer) -> Goal:
    count = len(answer.classes)
    if answer.smallest_share < IMBALANCED / count:
        return Goal(
            "balanced_accuracy",
            "maximize",
            {"balanced_accuracy": _above(1 / count)},
            "the classes are of very different size, and each counts the same here",
            f"guessing has 1/{count} = {1 / count:.3f}; a tenth of the way from there to 1",
        )
    share = answer.largest_share
    return Goal(
        "accuracy",
        "maximize",
        {"accuracy": _above(share)},
        "the classes are of similar size",
        f"always saying the most frequent has {share:.3f}; a tenth of the way from there to 1",
    )


def _above(baseline: float) -> float:
    return math.ceil((baseline + 0.1 * (1 - baseline)) * 1000) / 1000
