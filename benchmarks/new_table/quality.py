"""What each side said of the same hold-out rows, and how far they are apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.metrics import DIRECTIONS, measured
from rookery.core.resampling import Answers, resamples, statistic

RESAMPLES = 500
SURE = (2.5, 97.5)


@dataclass(frozen=True)
class Compared:
    """A metric of both sides; the interval is of ours less theirs, from a paired bootstrap."""

    ours: float
    theirs: float
    low: float
    high: float
    higher_is_better: bool

    @property
    def said(self) -> str:
        """Whether the difference is one: within the interval around 0 nobody can tell."""
        if self.low <= 0 <= self.high:
            return "no difference that is sure"
        return "ours better" if (self.low > 0) == self.higher_is_better else "ours worse"


def answers(folder: Path, side: str, told: dict[str, Any]) -> Answers:
    types = {"said": "str"} if told["labels"] else {}
    said = pd.read_csv(folder / f"{side}.csv", dtype=types)
    test = pd.read_csv(folder / "test.csv", dtype=told["types"])
    if len(said) != len(test):
        raise SystemExit(f"{side} answered {len(said)} of {len(test)} rows")
    if not told["labels"]:
        return Answers(test[told["target"]].to_numpy(float), said["said"].to_numpy(float))
    places = {label: place for place, label in enumerate(told["labels"])}
    truth, predicted = (
        column.map(places).to_numpy() for column in (test[told["target"]], said["said"])
    )
    scores = np.column_stack([1 - said["score"], said["score"]])
    return Answers(truth, predicted, scores, len(places))


def value(metric: str, of: Answers) -> float:
    """As scikit-learn has it."""
    found = measured(pd.Series(of.truth), of.predicted, of.scores, range(of.labels))
    return found[metric]


def compared(metric: str, ours: Answers, theirs: Answers) -> Compared:
    first, second = statistic(metric, ours), statistic(metric, theirs)
    if first is None or second is None:
        raise ValueError(f"{metric} cannot be had from these answers")
    drawn = [first(counts) - second(counts) for counts in resamples(len(ours), RESAMPLES, 0)]
    low, high = np.percentile(np.concatenate(drawn), SURE)
    better = DIRECTIONS[metric] == "maximize"
    return Compared(value(metric, ours), value(metric, theirs), low, high, better)
