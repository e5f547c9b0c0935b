"""Champion and challenger on the same rows: differences, how sure they are, and where they lie."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.metrics import (
    DIRECTIONS,
    classification_metrics,
    regression_metrics,
)
from rookery.core.resampling import Answers, Numbers, resamples, statistic
from rookery.core.task import Task

CONFIDENCE = 0.95
RESAMPLES = 1000
SEED = 20
BINS = 4  # of a column of numbers, with as many rows each as ties allow
FEWEST_ROWS = 20  # of a segment that is judged
MOST_SEGMENTS = 20  # of a column that is shown without having been asked for
ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """A metric of both, and the interval of challenger minus champion, None where it has none."""

    metric: str
    champion: float
    challenger: float
    low: float | None = None
    high: float | None = None

    @property
    def change(self) -> float:
        return self.challenger - self.champion

    @property
    def relative(self) -> float:
        """The change as a share of the champion's value; infinite from 0 to anything else."""
        if self.change == 0:
            return 0.0
        champion = abs(self.champion)
        return self.change / champion if champion else np.copysign(np.inf, self.change)

    @property
    def gain(self) -> float:
        """The change in the metric's direction: above 0 the challenger is better."""
        return self.change * _sign(self.metric)

    @property
    def surest_gain(self) -> float | None:
        """The end of the interval that is worse for the challenger, as a gain."""
        if self.low is None or self.high is None:
            return None
        return self.low if _sign(self.metric) > 0 else -self.high


@dataclass(frozen=True)
class Segment:
    """The task's metric among the rows of one value, or of one range, of a column."""

    column: str
    value: str
    rows: int
    difference: Difference
    limit: float | None = None  # how much worse it may be; None: only shown


@dataclass(frozen=True)
class Comparison:
    """Both models on the same rows.

    `champion` and `challenger` are all their metrics, `differences` those that both have, and
    `resampled` the changes of the task's metric.
    """

    metric: str
    rows: int
    champion: dict[str, float]
    challenger: dict[str, float]
    differences: tuple[Difference, ...]
    segments: tuple[Segment, ...]
    resampled: Numbers

    def of(self, metric: str) -> Difference | None:
        return next((found for found in self.differences if found.metric == metric), None)


def metrics_of(answers: Answers) -> dict[str, float]:
    """Every metric that the answers allow."""
    if not answers.labels:
        return regression_metrics(answers.truth, answers.predicted)
    labels = list(range(answers.labels))
    return classification_metrics(answers.truth, answers.predicted, answers.scores, labels)


def compare(task: Task, champion: Answers, challenger: Answers, rows: pd.DataFrame) -> Comparison:
    """Both models' answers to the same clean rows, in the order of `rows`."""
    mine, theirs = metrics_of(challenger), metrics_of(champion)
    both = [name for name in mine if name in theirs]
    changes = paired_bootstrap(champion, challenger, both)
    differences = [
        Difference(name, theirs[name], mine[name], *interval(changes.get(name))) for name in both
    ]
    return Comparison(
        task.metric,
        len(rows),
        theirs,
        mine,
        tuple(differences),
        tuple(_segments(task, champion, challenger, rows)),
        changes.get(task.metric, np.array([])),
    )


def paired_bootstrap(
    champion: Answers,
    challenger: Answers,
    metrics: list[str],
    *,
    many: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Numbers]:
    """Challenger minus champion in each bootstrap sample, shape (many,) each.

    Both models are measured on the same resampled rows, so what makes a row hard for both does
    not widen the interval: Efron and Tibshirani, An Introduction to the Bootstrap (1993). A
    metric that cannot be resampled is left out.
    """
    pairs = {name: (statistic(name, champion), statistic(name, challenger)) for name in metrics}
    known = {name: (old, new) for name, (old, new) in pairs.items() if old and new}
    found: dict[str, list[Numbers]] = {name: [] for name in known}
    for counts in resamples(len(champion), many, seed):
        for name, (old, new) in known.items():
            found[name].append(new(counts) - old(counts))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def interval(changes: Numbers | None) -> tuple[float | None, float | None]:
    """The percentile interval (Efron and Tibshirani 1993, chapter 13) of 95 %.

    None of a metric that was not resampled, or is not defined in more than a twentieth of them.
    """
    if changes is None or np.isnan(changes).mean() > 1 - CONFIDENCE:
        return None, None
    low, high = np.nanquantile(changes, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def faults(task: Task, comparison: Comparison) -> list[str]:
    """What the task's gate asks of a comparison, beside the metric itself, and does not find."""
    return [
        *_unproven(task, comparison),
        *_changed(task.gate.change, comparison),
        *_worse_segments(comparison),
    ]


def _unproven(task: Task, comparison: Comparison) -> Iterator[str]:
    proof, margin = task.gate.proof, task.gate.margin
    if proof is None:
        return
    found = comparison.of(task.metric)
    surest = found.surest_gain if found else None
    if surest is None or found is None:
        yield f"{task.metric} could not be resampled, so nothing is proven {_said(proof)}"
    elif (surest <= ROUNDING) if proof == "superior" else (surest < -margin - ROUNDING):
        allowed = " 0 or worse" if proof == "superior" else f" worse than the margin {margin:g}"
        yield (
            f"{task.metric} is not proven {_said(proof)}: by a paired bootstrap of "
            f"{comparison.rows} rows the difference lies in [{found.low:+.4f}, {found.high:+.4f}] "
            f"(95 %), which holds what is{allowed}"
        )


def _said(proof: str) -> str:
    return proof.replace("_", "-")


def _changed(bounds: Mapping[str, float], comparison: Comparison) -> Iterator[str]:
    for name, bound in bounds.items():
        found = comparison.of(name)
        if found is None:
            yield f"{name} could not be compared; the gate bounds its change"
        elif not (found.relative - bound) * _sign(name) >= -ROUNDING:  # nor NaN
            most = "least" if _sign(name) > 0 else "most"
            yield (
                f"{name} {found.challenger:.4f} is {found.relative:+.2%} of the champion's "
                f"{found.champion:.4f}; the gate asks for {bound:+.2%} at {most}"
            )


def _worse_segments(comparison: Comparison) -> Iterator[str]:
    for segment in comparison.segments:
        found, limit = segment.difference, segment.limit
        if limit is not None and not found.gain >= -limit - ROUNDING:  # nor NaN
            yield (
                f"{segment.column} {segment.value} ({segment.rows} rows): {found.metric} "
                f"{found.challenger:.4f} is worse than the champion's {found.champion:.4f} by "
                f"{-found.gain:.4f}; the gate allows {limit:g}"
            )


def _segments(
    task: Task, champion: Answers, challenger: Answers, rows: pd.DataFrame
) -> Iterator[Segment]:
    for column in task.gate.segments or _shown(task):
        limit = task.gate.segments.get(column)
        for value, members in parts(task, rows[column]):
            measured = [
                metrics_of(answers.among(members)).get(task.metric)
                for answers in (champion, challenger)
            ]
            if measured[0] is None or measured[1] is None:  # as ROC AUC of one class
                continue
            judged = limit if len(members) >= FEWEST_ROWS else None
            found = Difference(task.metric, measured[0], measured[1])
            yield Segment(column, value, len(members), found, judged)


def _shown(task: Task) -> list[str]:
    """The columns whose segments are worth a look where the gate names none."""
    return [
        name
        for name in [*task.features_used, task.target]
        if name == task.target
        or (
            task.columns[name].type in ("category", "boolean")
            and len(task.columns[name].values or ()) <= MOST_SEGMENTS
        )
    ]


def parts(task: Task, column: pd.Series) -> Iterator[tuple[str, Numbers]]:
    """Names and positions of the rows of each segment; gaps are one of their own."""
    kind = task.columns[str(column.name)].type
    named = _ranges(column) if kind in ("float", "integer") else column.astype(object)
    codes, values = pd.factorize(named, sort=kind not in ("float", "integer"))
    for code, value in enumerate(values):
        yield str(value), np.flatnonzero(codes == code)
    if (codes < 0).any():
        yield "missing", np.flatnonzero(codes < 0)


def _ranges(column: pd.Series) -> pd.Series:
    """Numbers as the quarter they lie in."""
    numbers = column.astype(float)
    edges = np.unique(numbers.dropna().quantile(np.linspace(0, 1, BINS + 1)))
    if len(edges) < 3:  # hardly any values, or no number at all
        return numbers.map(lambda value: f"{value:g}", na_action="ignore")
    return pd.cut(numbers, edges, include_lowest=True, precision=6).map(_range, na_action="ignore")


def _range(found: Any) -> str:
    return f"{found.left:g} to {found.right:g}"


def _sign(metric: str) -> int:
    return 1 if DIRECTIONS[metric] == "maximize" else -1
