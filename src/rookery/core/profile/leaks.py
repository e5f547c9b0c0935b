"""Columns that give the answer away: what is known only when the target is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from rookery.core.profile.reading import Seen

MOST_ROWS = 5_000  # looked at, drawn with a seed: a leak shows in any part of the rows
FEWEST_ROWS = 30
GIVES_AWAY = 0.99  # of the target, by a tree of this column alone
SUSPICIOUS = 0.95
NEARLY = 0.01  # relative difference: a ratio that was rounded
IN_NEARLY_ALL = 0.99  # of the rows
MOST_NUMBERS = 60  # of which all pairs are tried
MADE_OF = re.compile(r"(^|[_\s.-])(per|rate|ratio|avg|average|mean|unit|share)([_\s.-]|$)", re.I)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Leak:
    """One column, what it gives away, and whether that is sure enough to leave it out."""

    name: str
    said: str
    sure: bool = True


def leaks(columns: Sequence[Seen], target: Seen, *, classes: bool) -> list[Leak]:
    """The columns from which the target can be read, at most one finding a column.

    `target` has a value in every row; `columns` are those that a model would see.
    """
    drawn = target.values.index
    if len(drawn) > MOST_ROWS:
        drawn = target.values.sample(MOST_ROWS, random_state=0).sort_index().index
    if len(drawn) < FEWEST_ROWS:
        return []
    y = target.values.loc[drawn]
    found = {
        leak.name: leak
        for seen in columns
        if (leak := _alone(seen, seen.values.loc[drawn], y, classes=classes))
    }
    if not classes:
        numbers = {
            seen.name: seen.values.loc[drawn].to_numpy(dtype=float)
            for seen in columns
            if seen.type in ("float", "integer")
            and not (seen.name in found and found[seen.name].sure)
        }
        for leak in _in_pairs(numbers, y.to_numpy(dtype=float), target.name):
            found[leak.name] = leak
    return list(found.values())


def _alone(seen: Seen, values: pd.Series, y: pd.Series, *, classes: bool) -> Leak | None:
    score, measure = _score(_ranks(values), y, classes=classes)
    if not score >= SUSPICIOUS:  # nor NaN
        return None
    said = f"a tree of this column alone reaches {measure} {score:.3f} for the target"
    return Leak(seen.name, said, sure=score >= GIVES_AWAY)


def _ranks(values: pd.Series) -> Array:
    """Places in the order of the values, which is all that a tree looks at; a gap is a gap."""
    codes, _ = pd.factorize(values, sort=True)
    return np.where(codes < 0, np.nan, codes.astype(float))


def _score(x: Array, y: pd.Series, *, classes: bool) -> tuple[float, str]:
    """How well the target is told from the column in rows that the tree has not seen.

    Balanced accuracy of classes, R² of a number: 1 is all, and what knows nothing has 0 of R² and
    an equal share of the classes.
    """
    leaf = max(2, len(x) // 1000)
    folds = KFold(3, shuffle=True, random_state=0)
    X = x.reshape(-1, 1)
    if classes:
        codes, _ = pd.factorize(y)
        tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0)
        guess = cross_val_predict(tree, X, codes, cv=folds)
        each = [float(np.mean(guess[codes == one] == one)) for one in np.unique(codes)]
        return float(np.mean(each)), "balanced accuracy"
    truth = y.to_numpy(dtype=float)
    truth = truth / np.abs(truth).max()  # so that no square is too large
    tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=0)
    guess = cross_val_predict(tree, X, truth, cv=folds)
    rest, spread = np.sum((truth - guess) ** 2), np.sum((truth - truth.mean()) ** 2)
    return (1 - float(rest / spread) if spread > 0 else 0.0), "R²"


def _in_pairs(numbers: dict[str, Array], y: Array, target: str) -> list[Leak]:
    """Two columns of which the target is the sum, difference, product or ratio."""
    names = sorted(numbers, key=lambda name: -_related(numbers[name], y))[:MOST_NUMBERS]
    found: list[Leak] = []
    for one, other in combinations(names, 2):
        a, b = numbers[one], numbers[other]
        sign = _operation(a, b, y)
        if sign is None:
            continue
        said = f"{target} is {sign.format(one, other)} in nearly every row"
        gone = [one, other] if sign == "{0} + {1}" else [_made(one, other, target)]
        found += [Leak(name, said) for name in gone]
    return found


def _operation(a: Array, b: Array, y: Array) -> str | None:
    """How the target is made of two columns, neither of which does nothing in it."""
    with np.errstate(all="ignore"):
        made = {
            "{0} * {1}": a * b,
            "{0} / {1}": a / b,
            "{1} / {0}": b / a,
            "{0} + {1}": a + b,
            "{0} - {1}": a - b,
            "{1} - {0}": b - a,
        }
        for sign, result in made.items():
            if _same(result, y) and not (_same(a, y) or _same(b, y)):
                return sign
    return None


def _same(a: Array, b: Array) -> bool:
    there = np.isfinite(a) & np.isfinite(b)
    if there.sum() < FEWEST_ROWS:
        return False
    close = np.abs(a[there] - b[there]) <= NEARLY * np.abs(b[there])
    return bool(close.mean() >= IN_NEARLY_ALL)


def _related(a: Array, y: Array) -> float:
    there = np.isfinite(a)
    if there.sum() < FEWEST_ROWS or np.ptp(a[there]) == 0 or np.ptp(y[there]) == 0:
        return 0.0
    with np.errstate(all="ignore"):
        return abs(float(np.corrcoef(a[there], y[there])[0, 1]))


def _made(one: str, other: str, target: str) -> str:
    """Which of the two was computed from the target: by its name, else the closer related one."""
    named = re.compile(rf"(^|[_\s.-]){re.escape(target)}([_\s.-]|$)", re.IGNORECASE)
    made = [name for name in (one, other) if MADE_OF.search(name) or named.search(name)]
    return made[0] if made else one
