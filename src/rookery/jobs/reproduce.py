"""A version trained again from what its training began with, and held against it."""

import platform
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from rookery.core.candidates import BY_TASK, Candidate, Scored, expand, fit_candidate
from rookery.core.equality import (
    AnswerDifference,
    MetricDifference,
    compare_answers,
    metric_differences,
    other_versions,
)
from rookery.core.frames import answers_of
from rookery.core.tags import COMMIT, DIRTY
from rookery.core.task import Task
from rookery.errors import Defect, Refused
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import split_rows
from rookery.stores.commits import commit_of
from rookery.stores.models import libraries
from rookery.stores.origins import Origin, read_origin


@dataclass(frozen=True)
class Reproduction:
    """A second training of a version; `equal` where all metrics and all answers are the same.

    `source` says what the estimator was built from: the version's copy of the task file, or, for a
    candidate that was given in Python, the pipeline of the version itself, unfitted. `differs` is
    what is not as it was then; each of it may be why the result is not equal.
    """

    task: str
    version: str
    run_id: str | None
    equal: bool
    source: str
    digest: str | None
    rows: int
    metrics: dict[str, float]
    other_metrics: list[MetricDifference]
    answers: AnswerDifference
    differs: list[str]
    next: str | None


def reproduce(
    version: str | int, task: str | None = None, *, tolerance: float = 0.0
) -> Reproduction:
    """Trains a version again from its snapshot and its task copy, and compares.

    Metrics, cross-validated and of the hold-out, and the answers to the hold-out may differ by at
    most `tolerance`; 0 asks for the same bits, which the same libraries on the same machine give.

    Raises:
        InputError: there is no such version, or it has no snapshot any more.
        Refused: its model may not be loaded. Unavailable: MLflow failed.
    """
    project = open_project(task)
    origin = read_origin(project.tracking, project.task.name, str(version))
    rows = origin.rows(project.tracking)
    learnt, candidate, source = _candidate(origin)
    train, holdout = split_rows(rows, learnt)
    scored = _fit(origin, candidate, learnt, train, holdout)
    X = holdout[learnt.inputs]
    answers = compare_answers(
        answers_of(origin.pipeline, X), answers_of(scored.pipeline, X), tolerance
    )
    other = metric_differences(origin.metrics, scored.metrics, tolerance)
    equal = not other and not answers.different
    return Reproduction(
        task=project.task.name,
        version=origin.version,
        run_id=origin.run_id,
        equal=equal,
        source=source,
        digest=origin.digest,
        rows=len(rows),
        metrics=scored.metrics,
        other_metrics=other,
        answers=answers,
        differs=_differs(project, origin),
        next=None if equal else _next(origin),
    )


def _fit(
    origin: Origin, candidate: Candidate, task: Task, train: pd.DataFrame, holdout: pd.DataFrame
) -> Scored:
    validated = any(name.startswith("cv_") for name in origin.metrics)
    try:
        return fit_candidate(candidate, task, train, holdout, cross_validate=validated)
    except Exception as error:  # whatever an estimator raises: another version of it may refuse
        raise Refused(
            f"version {origin.version} of {origin.name} cannot be trained any more: "
            f"{type(error).__name__}: {error}",
            field="version",
            value=origin.version,
            next=_next(origin),
        ) from error


def _candidate(origin: Origin) -> tuple[Task, Candidate, str]:
    """What was fitted, on which features; built from the task copy where that has it."""
    if origin.task is None:
        raise Defect(f"version {origin.version} has a snapshot but no copy of its task")
    left_out = [name for name in origin.task.features_used if name not in origin.inputs]
    task = origin.task.without(left_out) if left_out else origin.task
    own = {key: value for key, value in origin.parameters.items() if key not in BY_TASK}
    for _, candidate in expand(task):
        said = {key: str(value) for key, value in candidate.described().items()}
        if (candidate.family, said) == (origin.family, own):
            return task, candidate, "its task copy"
    unfitted: Pipeline = clone(origin.pipeline)
    given = Candidate(str(origin.family), unfitted, max_rows=origin.fitted_rows)
    return task, given, "its own pipeline, unfitted: its task copy names no such candidate"


def _differs(project: Project, origin: Origin) -> list[str]:
    """What is not as it was when the version was trained."""
    found = [
        f"{name} was {old}, is {new}"
        for name, (old, new) in other_versions(origin.libraries, libraries()).items()
    ]
    if origin.python not in (None, platform.python_version()):
        found.append(f"Python was {origin.python}, is {platform.python_version()}")
    now: dict[str, Any] = commit_of(project.folder)
    if origin.commit is None:
        found.append("the commit it was trained at is not known")
    elif now.get(COMMIT) != origin.commit:
        found.append(f"commit was {origin.commit}, is {now.get(COMMIT, 'not known')}")
    if origin.dirty:
        found.append("files differed from the commit then")
    if now.get(DIRTY) == "True":
        found.append("files differ from the commit now")
    return found


def _next(origin: Origin) -> str:
    again = f"rookery reproduce {origin.version} {origin.name}"
    return f"git checkout {origin.commit} && make setup && {again}" if origin.commit else again
