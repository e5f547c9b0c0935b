"""Parts of the hold-out rows, each held against a bound: what classes, bins and segments share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rookery.core.checks.asked import Asked
from rookery.core.checks.found import Found, Sense
from rookery.core.comparison import metrics_of
from rookery.core.gate import shortfall
from rookery.core.metrics import DIRECTIONS
from rookery.core.resampling import Answers, Numbers


@dataclass(frozen=True, eq=False)
class Part:
    """Rows that have something in common, by position; `value` is None where it has none."""

    name: str
    members: Numbers
    value: float | None
    bound: float


def metric_among(asked: Asked, metric: str, members: Numbers) -> float | None:
    """A metric of some rows; None where it is not defined on them, as ROC AUC of one class."""
    if not len(members):
        return None
    return metrics_of(asked.answers.among(members)).get(metric)


def judged(asked: Asked, metric: str, parts: Sequence[Part], fewest: int) -> Found:
    """The worst of the parts that have rows enough, and all that miss their bound by name."""
    sense: Sense = "at least" if DIRECTIONS[metric] == "maximize" else "at most"
    enough = [part for part in parts if len(part.members) >= fewest and part.value is not None]
    rows = sum(len(part.members) for part in enough)
    if not enough:
        largest = max((len(part.members) for part in parts), default=0)
        says = f"{metric} could not be measured: the largest part has {largest} rows, not {fewest}"
        bound = parts[0].bound if parts else 0.0
        return Found(False, None, sense, bound, 0, says)
    enough.sort(key=lambda part: -_short(metric, part))
    faults = [part for part in enough if not _short(metric, part) <= 0]
    worst = enough[0]
    few = [part for part in parts if all(part is not each for each in enough)]
    said = "; ".join(_said(metric, part, sense) for part in faults or [worst])
    says = f"{said if faults else f'worst: {said}'}{_left_out(few, fewest)}"
    examples = asked.examples(asked.rows.iloc[worst.members], *_errors(asked, worst.members))
    return Found(not faults, worst.value, sense, worst.bound, rows, says, examples)


def _short(metric: str, part: Part) -> float:
    return shortfall(metric, float("nan") if part.value is None else part.value, part.bound)


def _said(metric: str, part: Part, sense: Sense) -> str:
    count = len(part.members)
    return f"{part.name} ({count} rows) has {metric} {part.value:.4g}, {sense} {part.bound:g} asked"


def _left_out(few: Sequence[Part], fewest: int) -> str:
    if not few:
        return ""
    names = ", ".join(part.name for part in few[:5]) + (" …" if len(few) > 5 else "")
    return f" (not judged, below {fewest} rows or not defined: {names})"


def _errors(asked: Asked, members: Numbers) -> tuple[Numbers, Answers]:
    """How wrong each answer is, and the answers."""
    answers = asked.answers.among(members)
    if not answers.labels:
        return np.asarray(np.abs(answers.truth - answers.predicted)), answers
    wrong = np.asarray(answers.truth != answers.predicted, dtype=float)
    if answers.scores is None:
        return wrong, answers
    given = answers.scores[np.arange(len(answers)), answers.truth]
    return wrong * (2 - given), answers
