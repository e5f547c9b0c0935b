"""No group of rows fares much worse than the rest."""

from collections.abc import Iterator
from functools import partial

from rookery.core.checks.asked import Asked
from rookery.core.checks.found import Check, Found
from rookery.core.checks.parts import Part, judged, metric_among
from rookery.core.comparison import parts as parts_of
from rookery.core.task import Task


def checks(task: Task) -> Iterator[Check]:
    for column, rule in task.checks.per_segment.items():
        for metric, bound in rule.minimum.items():
            run = partial(measure, column, metric, bound, rule.rows)
            yield Check("per_segment", f"{column}-{metric}", run)


def measure(column: str, metric: str, bound: float, fewest: int, asked: Asked) -> Found:
    """A metric of the rows of each value, or of each quarter of a number; gaps are one more."""
    parts = [
        Part(f"{column} {value}", members, metric_among(asked, metric, members), bound)
        for value, members in parts_of(asked.task, asked.rows[column])
    ]
    return judged(asked, metric, parts, fewest)
