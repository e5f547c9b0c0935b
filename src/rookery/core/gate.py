"""The conditions that a version must meet before it is registered or promoted."""

from collections.abc import Sequence
from dataclasses import dataclass

from rookery.core.metrics import DIRECTIONS
from rookery.core.task import Task


@dataclass(frozen=True)
class Verdict:
    """What the gate says, with the numbers."""

    passed: bool
    reason: str


def judge(
    task: Task,
    metrics: dict[str, float],
    production: dict[str, float] | None,
    without: str = "first to be promoted",
    further: Sequence[str] = (),
) -> Verdict:
    """Whether a model may go on.

    Both dictionaries are hold-out metrics, by plain name, on the same rows; `production` is None
    where there is nothing to compare with, and `without` says why. `further` are the faults that
    a comparison found.
    """
    faults = []
    for name, bound in task.gate.minimum.items():
        value = metrics.get(name)
        if value is None:
            faults.append(f"{name} could not be measured; the gate asks for {bound:g}")
        elif not shortfall(name, value, bound) <= 0:  # nor NaN
            faults.append(
                f"{name} {value:.4f} misses the gate's {bound:g} "
                f"by {shortfall(name, value, bound):.4f}"
            )
    if production is not None and task.gate.not_worse_than_production:
        faults += _worse(task, metrics, production)
    faults += further
    if faults:
        return Verdict(False, "; ".join(faults))
    shown = f"{task.metric} {metrics.get(task.metric, float('nan')):.4f}"
    if production is None:
        return Verdict(True, f"{shown}, {without}")
    against = production.get(task.metric, float("nan"))
    return Verdict(True, f"{shown}, production has {against:.4f} on the same rows")


def _worse(task: Task, metrics: dict[str, float], production: dict[str, float]) -> list[str]:
    mine, theirs = metrics.get(task.metric), production.get(task.metric)
    if mine is None:
        return [f"{task.metric} could not be measured"]
    if theirs is None:
        return []
    short = shortfall(task.metric, mine, theirs)
    if short <= task.gate.tolerance + 1e-12:
        return []
    allowed = f" (tolerance {task.gate.tolerance:g})" if task.gate.tolerance else ""
    return [
        f"{task.metric} {mine:.4f} is worse than production's {theirs:.4f} "
        f"by {short:.4f} on the same hold-out rows{allowed}"
    ]


def shortfall(name: str, value: float, bound: float) -> float:
    """How much is lacking, positive when it is; in the metric's own direction."""
    return bound - value if DIRECTIONS[name] == "maximize" else value - bound
