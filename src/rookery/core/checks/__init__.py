"""What a model must do besides reaching its metrics, each kind of check in a file of its own."""

from collections.abc import Sequence

from rookery.core.checks import (
    direction,
    invariance,
    missing,
    packaging,
    per_bin,
    per_class,
    per_segment,
)
from rookery.core.checks.asked import Asked, Form, ask
from rookery.core.checks.found import Check, Found, Result
from rookery.core.task import Task

__all__ = ["Asked", "Check", "Form", "Found", "Result", "ask", "declared", "faults", "run"]

KINDS = (invariance, direction, per_class, per_bin, per_segment, missing, packaging)


def declared(task: Task, *, packed: bool = True) -> list[Check]:
    """The checks of a task; without those of its packed forms where there are none to ask yet."""
    found = [check for kind in KINDS for check in kind.checks(task)]
    return [check for check in found if packed or check.kind != packaging.KIND]


def run(check: Check, asked: Asked) -> Result:
    """What a check finds; that the model fails at it is a finding too."""
    try:
        return Result.of(check, check.run(asked))
    except Exception as error:  # whatever an estimator raises is the outcome of this check
        says = f"it could not be run: {type(error).__name__}: {str(error)[:300]}"
        return Result.of(check, Found(False, None, "at most", 0.0, len(asked.rows), says))


def faults(results: Sequence[Result]) -> list[str]:
    """The checks that failed, as the gate tells them."""
    return [f"check {each.kind} {each.name}: {each.says}" for each in results if not each.passed]
