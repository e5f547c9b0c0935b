"""Every class is recognized well enough, not only the frequent ones."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from rookery.core.check_sections import EVERY_OTHER, as_key
from rookery.core.checks.asked import Asked
from rookery.core.checks.found import Check, Found
from rookery.core.checks.parts import Part, judged
from rookery.core.metrics import classification_metrics
from rookery.core.task import Task


def checks(task: Task) -> Iterator[Check]:
    rule = task.checks.per_class
    if rule is None:
        return
    for metric, bounds in rule.minimum.items():
        yield Check("per_class", metric, partial(measure, metric, bounds, rule.rows))


def measure(metric: str, bounds: Mapping[str, float], fewest: int, asked: Asked) -> Found:
    """Recall, precision or F1 of each class against all others."""
    answers, parts = asked.answers, []
    for at, label in enumerate(asked.task.labels):
        bound = bounds.get(as_key(label), bounds.get(EVERY_OTHER))
        if bound is None:
            continue
        truth, said = answers.truth == at, answers.predicted == at
        value = classification_metrics(truth, said, None, (False, True))[metric]
        parts.append(Part(str(label), np.flatnonzero(truth), value, bound))
    return judged(asked, metric, parts, fewest)
