"""A number is predicted well enough wherever it lies, not only where most rows are."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from rookery.core.checks.asked import Asked
from rookery.core.checks.found import Check, Found
from rookery.core.checks.parts import Part, judged, metric_among
from rookery.core.comparison import parts as quarters
from rookery.core.resampling import Numbers
from rookery.core.task import Task


def checks(task: Task) -> Iterator[Check]:
    rule = task.checks.per_bin
    if rule is None:
        return
    for metric, bound in rule.minimum.items():
        yield Check("per_bin", metric, partial(measure, metric, bound, rule.edges, rule.rows))


def measure(
    metric: str, bound: float, edges: Sequence[float] | None, fewest: int, asked: Asked
) -> Found:
    """A metric of the rows of each range of the true values."""
    task = asked.task
    found = (
        _between(asked.answers.truth, edges) if edges else quarters(task, asked.rows[task.target])
    )
    parts = [
        Part(f"{task.target} {name}", members, metric_among(asked, metric, members), bound)
        for name, members in found
    ]
    return judged(asked, metric, parts, fewest)


def _between(truth: Numbers, edges: Sequence[float]) -> Iterator[tuple[str, Numbers]]:
    """Names and positions of the rows from each edge up to the next; bins without rows too."""
    place = np.searchsorted(edges, truth, side="right")
    names = [f"below {edges[0]:g}"]
    names += [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    for at, name in enumerate([*names, f"from {edges[-1]:g} on"]):
        yield name, np.flatnonzero(place == at)
