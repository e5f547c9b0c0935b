"""One child run per candidate, with everything that is known of it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd
from mlflow.entities import DatasetInput

from rookery.core.candidates import Candidate, Scored
from rookery.core.tags import ERROR, FAMILY, KIND
from rookery.core.task import Task
from rookery.errors import Refused, Unavailable
from rookery.jobs.leaderboard import Row
from rookery.jobs.project import Project
from rookery.stores.folders import scratch
from rookery.stores.models import task_signature, write_model


@dataclass(frozen=True)
class Plan:
    """What all candidates of a sweep share; `task` may lack features that the project's has."""

    project: Project
    task: Task
    train: pd.DataFrame
    holdout: pd.DataFrame
    parent: str
    tags: dict[str, str]
    dataset: DatasetInput


def log_candidate(plan: Plan, name: str, candidate: Candidate, outcome: Scored | Exception) -> Row:
    """Writes the run of a candidate, a failed one where it could not be fitted or stored.

    Raises:
        Unavailable: a store failed; that is not the candidate's fault.
    """
    tracking = plan.project.tracking
    tags = plan.tags | {KIND: "candidate", FAMILY: candidate.family}
    run_id = tracking.start_run(plan.project.experiment, name, tags, parent=plan.parent)
    try:
        reason = _log_outcome(plan, run_id, name, candidate, outcome)
    except BaseException as error:
        with suppress(Unavailable):  # then the next sweep ends the run
            tracking.end(run_id, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracking.end(run_id, "FAILED" if reason else "FINISHED")
    link = tracking.link(plan.project.experiment, run_id)
    metrics = outcome.metrics if isinstance(outcome, Scored) and not reason else {}
    return Row(0, name, candidate.family, metrics, run_id, link, reason)


def _log_outcome(
    plan: Plan, run_id: str, name: str, candidate: Candidate, outcome: Scored | Exception
) -> str | None:
    """Returns why the candidate failed, if it did."""
    tracking = plan.project.tracking
    tracking.log(run_id, params=candidate.described(), dataset=plan.dataset)
    error = outcome if isinstance(outcome, Exception) else None
    if isinstance(outcome, Scored):
        try:
            _log_scored(plan, run_id, name, candidate, outcome)
        except Refused as refusal:  # a type that may not be stored
            error = refusal
    if error is None:
        return None
    reason = f"{type(error).__name__}: {error}"
    tracking.log(run_id, tags={ERROR: reason})
    return reason


def _log_scored(plan: Plan, run_id: str, name: str, candidate: Candidate, scored: Scored) -> None:
    model_id = _log_model(plan, run_id, name, candidate.described(), scored)
    plan.project.tracking.log(
        run_id,
        model_id=model_id,
        metrics=scored.metrics | {"fit_seconds": scored.fit_seconds},
        tags={"rookery.rows": scored.rows, "rookery.sampled": scored.rows < len(plan.train)},
    )


def _log_model(
    plan: Plan, run_id: str, name: str, parameters: dict[str, Any], scored: Scored
) -> str:
    tracking, task = plan.project.tracking, plan.task
    model_id, location = tracking.create_model(plan.project.experiment, run_id, name, parameters)
    try:
        with scratch() as folder:
            write_model(
                folder / "model",
                scored.pipeline,
                signature=task_signature(task),
                example=plan.train[task.inputs].head(3),
                task_text=plan.project.task_text,
                run_id=run_id,
                model_id=model_id,
                location=location,
            )
            tracking.finish_model(run_id, model_id, folder / "model")
    except BaseException:
        tracking.drop_model(model_id)
        raise
    return model_id
