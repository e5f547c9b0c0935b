"""What to try and what to ask of it: metric, gate and candidates for a kind of problem."""

import math
from dataclasses import dataclass, field
from typing import Any

from rookery.core.families import FAMILIES, SEED, Kind
from rookery.core.profile.target import Answer, Problem

IMBALANCED = 0.5  # of an equal share: the smallest class has less


@dataclass(frozen=True)
class Choice:
    """One family worth trying: its sets, and for how many rows of the table they are meant."""

    family: str
    problems: tuple[Problem, ...]
    sets: tuple[dict[str, Any], ...]
    fixed: dict[str, Any] = field(default_factory=dict)
    above: float = 0
    up_to: float = math.inf
    of_each: int = 0  # rows of each class; below it, it is not tried
    max_rows: int | None = None  # that it is fitted on
    why: str = ""


CLASSES: tuple[Problem, ...] = ("binary", "multiclass")
EVERY: tuple[Problem, ...] = (*CLASSES, "regression")
FEWEST_ROWS = 39  # in more than these each finds 15 others
FEW_ROWS = 5_000
MANY_ROWS = 20_000
FOREST_ROWS = 20_000
FOREST = "above max_rows fitted on a sample: trees of many rows are slow and large"
BOOSTED = "boosted trees: most often the best on tables, and made for many rows"
# the baseline first, because a time budget never skips the first; then what is most often the best
CHOICES = (
    Choice("linear_regression", ("regression",), ({},), why="the baseline: one weight a column"),
    Choice(
        "logistic_regression",
        CLASSES,
        ({"C": 0.1}, {"C": 1.0}),
        {"max_iter": 2000},
        why="the baseline: one weight a column",
    ),
    Choice(
        "lightgbm",
        EVERY,
        (
            {"n_estimators": 100, "learning_rate": 0.05, "num_leaves": 7},
            {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 15},
        ),
        {"colsample_bytree": 0.5, "min_child_samples": 10},
        up_to=FEW_ROWS,
        why=BOOSTED,
    ),
    Choice(
        "lightgbm",
        EVERY,
        (
            {"n_estimators": 300, "learning_rate": 0.06, "colsample_bytree": 0.3},
            {"n_estimators": 1000, "learning_rate": 0.03, "colsample_bytree": 0.5},
        ),
        {"num_leaves": 31, "reg_lambda": 1.0},
        above=FEW_ROWS,
        why=BOOSTED,
    ),
    Choice(
        "xgboost",
        EVERY,
        ({"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3},),
        {"subsample": 0.8, "colsample_bytree": 0.5},
        up_to=FEW_ROWS,
        why=BOOSTED,
    ),
    Choice(
        "xgboost",
        EVERY,
        (
            {"n_estimators": 300, "learning_rate": 0.1, "max_depth": 5, "colsample_bytree": 0.3},
            {"n_estimators": 600, "learning_rate": 0.05, "max_depth": 6, "colsample_bytree": 0.5},
        ),
        {"subsample": 0.8, "min_child_weight": 3},
        above=FEW_ROWS,
        why=BOOSTED,
    ),
    Choice(
        "hist_gradient_boosting",
        EVERY,
        (
            {"learning_rate": 0.1, "max_iter": 100},
            {"learning_rate": 0.05, "max_iter": 300},
        ),
        {"random_state": SEED, "early_stopping": False},
        why=BOOSTED,
    ),
    Choice("ridge", ("regression",), ({"alpha": 1.0}, {"alpha": 100.0}), why="smaller weights"),
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
        above=FEWEST_ROWS,
        up_to=10_000,
        why="for few rows: each answer looks at all of them",
    ),
)


def choices_for(answer: Answer, rows: int) -> list[Choice]:
    """The families to try on so many rows, as far as their libraries are installed."""
    return [one for one in _suited(answer, rows) if _installed(one, answer)]


def not_installed(answer: Answer, rows: int) -> list[str]:
    """Families that would be tried, too."""
    return [one.family for one in _suited(answer, rows) if not _installed(one, answer)]


def folds_for(rows: int) -> tuple[int, str] | None:
    """How many folds, and why, where they are not the usual ones."""
    if rows <= MANY_ROWS:
        return None
    return 3, "of so many rows more folds would tell little more, and take longer"


def _suited(answer: Answer, rows: int) -> list[Choice]:
    smallest = min(answer.classes.values(), default=rows)
    return [
        one
        for one in CHOICES
        if answer.problem in one.problems
        and one.above < rows <= one.up_to
        and one.of_each <= smallest
    ]


def _installed(choice: Choice, answer: Answer) -> bool:
    kind: Kind = "regressor" if answer.problem == "regression" else "classifier"
    return FAMILIES[choice.family].parameters(kind) is not None


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
