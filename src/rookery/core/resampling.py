"""Metrics of rows that count several times, for many resamples at once: what a bootstrap asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rookery.core.metrics import PROBABLE

Numbers = np.ndarray[Any, np.dtype[Any]]
# of how often each row counts, shape (resamples, rows), a value each, shape (resamples,)
Statistic = Callable[[Numbers], Numbers]

CELLS_AT_A_TIME = 2_000_000  # of counts: 16 MB each of the few arrays of that shape


@dataclass(frozen=True)
class Answers:
    """What a model said of rows, beside what is true.

    Of a classifier `truth` and `predicted`, shape (rows,), are positions among the task's
    `labels`, and `scores`, shape (rows, labels), its probabilities, if it gives any. Of a
    regressor they are numbers, and there are 0 labels.
    """

    truth: Numbers
    predicted: Numbers
    scores: Numbers | None = None
    labels: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    def among(self, rows: Numbers) -> "Answers":
        """The same for some rows, by mask or positions."""
        scores = None if self.scores is None else self.scores[rows]
        return Answers(self.truth[rows], self.predicted[rows], scores, self.labels)


def resamples(rows: int, many: int, seed: int) -> Iterator[Numbers]:
    """How often each row is drawn in bootstrap samples, shape (some, rows), until there are `many`.

    Each sample draws as many rows as there are, with replacement: Efron and Tibshirani, An
    Introduction to the Bootstrap (1993), chapter 6.
    """
    draw = np.random.default_rng(seed)
    at_a_time = max(1, CELLS_AT_A_TIME // rows)
    for start in range(0, many, at_a_time):
        some = min(at_a_time, many - start)
        drawn = draw.integers(rows, size=(some, rows)) + np.arange(some)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=some * rows).reshape(some, rows).astype(float)


def statistic(metric: str, answers: Answers) -> Statistic | None:
    """A metric as a function of how often each row counts; NaN where it is not defined.

    None for a metric that cannot be had from these answers, or that is not known here.
    """
    make = (_CLASSIFIED if answers.labels else _ESTIMATED).get(metric)
    if make is None or (metric in PROBABLE and answers.scores is None):
        return None
    return make(answers)


def _mean(values: Numbers) -> Statistic:
    return lambda counts: np.asarray(counts @ values / counts.sum(axis=1))


def _errors(answers: Answers) -> Numbers:
    return np.asarray(np.abs(answers.truth - answers.predicted))


def _rmse(answers: Answers) -> Statistic:
    mean = _mean(_errors(answers) ** 2)
    return lambda counts: np.asarray(np.sqrt(mean(counts)))


def _r2(answers: Answers) -> Statistic:
    centred = answers.truth - answers.truth.mean()  # or the squares of large numbers cancel
    left, first, second = (_mean(v) for v in (_errors(answers) ** 2, centred, centred**2))

    def found(counts: Numbers) -> Numbers:
        return np.asarray(1 - _ratio(left(counts), second(counts) - first(counts) ** 2, np.nan))

    return found


def _median(answers: Answers) -> Statistic:
    # how many of a sample's rows stand before a place scatters by half the root of all rows: ten
    # times that around the middle is never left
    errors, rows = _errors(answers), len(answers)
    order = np.argsort(errors, kind="stable")
    reach = int(5 * np.sqrt(rows)) + 1
    first = max(0, rows // 2 - reach)
    near = order[first : rows // 2 + reach]
    ascending = errors[near]
    before = np.isin(np.arange(rows), order[:first]).astype(float)

    def found(counts: Numbers) -> Numbers:
        upto = counts[:, near].cumsum(axis=1) + (counts @ before)[:, None]
        # the two in the middle, which are one for an odd number of rows
        middles = [(upto > half).argmax(axis=1) for half in ((rows - 1) // 2, rows // 2)]
        return np.asarray((ascending[middles[0]] + ascending[middles[1]]) / 2)

    return found


def _log_loss(answers: Answers) -> Statistic:
    given = np.asarray(answers.scores)[np.arange(len(answers)), answers.truth]
    return _mean(-np.log(np.clip(given, np.finfo(float).eps, 1.0)))


def _by_class(value: Callable[[Numbers, Numbers, Numbers], Numbers]) -> Any:
    """A metric of hits, true and predicted rows of each class, each (resamples, labels)."""

    def make(answers: Answers) -> Statistic:
        classes = np.arange(answers.labels)
        true = (answers.truth[:, None] == classes).astype(float)
        said = (answers.predicted[:, None] == classes).astype(float)
        hits = true * said
        return lambda counts: value(counts @ hits, counts @ true, counts @ said)

    return make


def _macro(above: Numbers, below: Numbers) -> Numbers:
    return np.asarray(_ratio(above, below, 0.0).mean(axis=1))


def _balanced(hits: Numbers, true: Numbers, said: Numbers) -> Numbers:
    """Over the classes that occur."""
    del said
    return np.asarray(np.nanmean(_ratio(hits, true, np.nan), axis=1))


def _ratio(above: Numbers, below: Numbers, otherwise: float) -> Numbers:
    return np.divide(above, below, out=np.full_like(above, otherwise), where=below > 0)


def _roc_auc(answers: Answers) -> Statistic:
    scores = np.asarray(answers.scores)
    # of two classes each mirrors the other
    sides = range(answers.labels) if answers.labels > 2 else (1,)
    parts = [_one_roc_auc(scores[:, i], answers.truth == i) for i in sides]

    def found(counts: Numbers) -> Numbers:
        areas = np.stack([part(counts) for part in parts])
        usable = ~np.isnan(areas)
        return _ratio(np.nansum(areas, axis=0), usable.sum(axis=0).astype(float), np.nan)

    return found


def _one_roc_auc(scores: Numbers, side: Numbers) -> Statistic:
    """The share of pairs in the right order, ties counting half (Mann and Whitney 1947)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    right = side[order].astype(float)

    def found(counts: Numbers) -> Numbers:
        ordered = counts[:, order]
        members = np.add.reduceat(ordered * right, starts, axis=1)
        others = np.add.reduceat(ordered, starts, axis=1) - members
        below = others.cumsum(axis=1) - others / 2
        pairs = members.sum(axis=1) * others.sum(axis=1)
        return _ratio((members * below).sum(axis=1), pairs, np.nan)

    return found


def _of_second(value: Callable[[Numbers, Numbers, Numbers], Numbers]) -> Any:
    """A metric of hits, true and predicted rows of the second of two classes."""
    second = _by_class(lambda *counts: value(*(count[:, 1] for count in counts)))
    return lambda answers: second(answers) if answers.labels == 2 else None


def _brier(answers: Answers) -> Statistic | None:
    if answers.labels != 2:
        return None
    return _mean((np.asarray(answers.scores)[:, 1] - answers.truth) ** 2)


def _average_precision(answers: Answers) -> Statistic | None:
    """Precision at each threshold, weighted by what it adds to the recall."""
    if answers.labels != 2:
        return None
    scores = -np.asarray(answers.scores)[:, 1]
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    right = answers.truth[order].astype(float)

    def found(counts: Numbers) -> Numbers:
        ordered = counts[:, order]
        members = np.add.reduceat(ordered * right, starts, axis=1)
        said = np.add.reduceat(ordered, starts, axis=1).cumsum(axis=1)
        hits = members.cumsum(axis=1)
        return _ratio((members * _ratio(hits, said, 0.0)).sum(axis=1), hits[:, -1], np.nan)

    return found


def _mape(answers: Answers) -> Statistic:
    return _mean(_errors(answers) / np.maximum(np.abs(answers.truth), np.finfo(float).eps))


_CLASSIFIED: dict[str, Callable[[Answers], Statistic | None]] = {
    "accuracy": lambda answers: _mean((answers.truth == answers.predicted).astype(float)),
    "balanced_accuracy": _by_class(_balanced),
    "f1_macro": _by_class(lambda hits, true, said: _macro(2 * hits, true + said)),
    "precision_macro": _by_class(lambda hits, _, said: _macro(hits, said)),
    "recall_macro": _by_class(lambda hits, true, _: _macro(hits, true)),
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
    "average_precision": _average_precision,
    "brier_score": _brier,
    "f1": _of_second(lambda hits, true, said: _ratio(2 * hits, true + said, 0.0)),
    "precision": _of_second(lambda hits, _, said: _ratio(hits, said, 0.0)),
    "recall": _of_second(lambda hits, true, _: _ratio(hits, true, 0.0)),
}
_ESTIMATED: dict[str, Callable[[Answers], Statistic | None]] = {
    "rmse": _rmse,
    "mae": lambda answers: _mean(_errors(answers)),
    "median_absolute_error": _median,
    "mape": _mape,
    "r2": _r2,
}
