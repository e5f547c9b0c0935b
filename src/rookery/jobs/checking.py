"""The checks of a task, asked of a model; what they find stays with the model's run."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from rookery.core.checks import Asked, Result, declared, run
from rookery.core.holdout import unseen_under
from rookery.core.resampling import Answers
from rookery.core.shape import answers_on
from rookery.core.task import Task
from rookery.errors import Refused
from rookery.jobs.packed_forms import forms_of
from rookery.jobs.project import Project
from rookery.jobs.target import Target, from_run
from rookery.stores.folders import scratch
from rookery.stores.tracking import Tracking

FILE = "checks.json"
PREFIX = "check_"


@dataclass(frozen=True)
class Checked:
    """The results of a run's model as they are kept; `rows` is how many it was asked."""

    at: str
    rows: int
    passed: bool
    checks: list[Result]


def check_target(
    project: Project, target: Target, holdout: pd.DataFrame, said: Answers, *, packed: bool = True
) -> list[Result]:
    """Runs the checks on a model and logs them to its run.

    `said` is what it says of the hold-out. Without `packed` the forms in which it would serve are
    left out: there are none before it may be promoted.

    Raises:
        Refused: it cannot be packed. Unavailable: MLflow failed.
    """
    checks = declared(project.task, packed=packed)
    if not checks:
        return []
    asked = asked_of(project.task, target, holdout, said, packed=packed)
    results = [run(check, asked) for check in checks]
    if target.run_id is not None:
        log_checks(project.tracking, target.run_id, results, len(asked.rows))
    return results


def check_run(project: Project, run_id: str, holdout: pd.DataFrame) -> list[Result]:
    """As `check_target`, of the model that a run of ours logged, before it becomes a version."""
    if not declared(project.task, packed=False):
        return []
    target = from_run(project, run_id, named=False)
    said = answers_on(target.model, holdout, project.task, target.columns)
    return check_target(project, target, holdout, said, packed=False)


def asked_of(
    task: Task, target: Target, holdout: pd.DataFrame, said: Answers, *, packed: bool = True
) -> Asked:
    """A model with its answers, on the hold-out rows that it cannot have learnt.

    Raises:
        Refused: it cannot be packed.
    """
    rows = _not_learnt(task, target.task, holdout)
    forms = forms_of(target.model, target.fields) if packed and task.checks.packaging else {}
    return Asked(task, target.model, target.columns, holdout.iloc[rows], said.among(rows), forms)


def _not_learnt(
    task: Task, then: Task | None, holdout: pd.DataFrame
) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Positions of rows that were held out under the model's own task too; all if none can tell."""
    held = None if then is None else unseen_under(holdout, task, then)
    return np.arange(len(holdout)) if held is None or not held.any() else np.flatnonzero(held)


def log_checks(tracking: Tracking, run_id: str, results: Sequence[Result], rows: int) -> None:
    """Keeps the results with a run: one file with all of it, and a metric for each number.

    A run that was deleted takes nothing any more; its version may serve all the same.
    """
    if tracking.run(run_id).info.lifecycle_stage != "active":
        return
    passed = all(each.passed for each in results)
    found = Checked(datetime.now(UTC).isoformat(timespec="seconds"), rows, passed, list(results))
    with scratch() as place:
        (place / FILE).write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
        tracking.log_file(run_id, place / FILE)
    values = {_metric(each): each.value for each in results if each.value is not None}
    tracking.log(run_id, metrics=values)


def last_checks(tracking: Tracking, run_id: str) -> Checked | None:
    """What a run's model was last found to do; None where it was not checked.

    Raises:
        Unavailable: MLflow failed.
    """
    try:
        with scratch() as place:
            text = tracking.download(f"runs:/{run_id}/{FILE}", place).read_bytes()
        return TypeAdapter(Checked).validate_json(text)
    except (Refused, ValueError):  # no such file, or not one of ours
        return None


def _metric(result: Result) -> str:
    """A name in the letters that MLflow allows."""
    return PREFIX + re.sub(r"[^\w.-]", "_", f"{result.kind}_{result.name}", flags=re.ASCII)
