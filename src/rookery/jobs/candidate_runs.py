"""One child run per candidate, with everything that is known of it."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import DatasetInput

from rookery.core.budget import Skipped
from rookery.core.candidates import Candidate
from rookery.core.tags import ERROR, FAMILY, KIND, ROWS, SAMPLED, SKIPPED
from rookery.core.task import Task
from rookery.errors import Unavailable
from rookery.jobs.fitting import Outcome, Packed
from rookery.jobs.leaderboard import Row
from rookery.jobs.project import Project
from rookery.stores.folders import scratch
from rookery.stores.models import fill_template


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
    template: Path  # of a model folder


def log_all(
    plan: Plan, named: Sequence[tuple[str, Candidate]], outcomes: Iterable[Outcome]
) -> Iterator[tuple[int, Row]]:
    """Positions and rows as their runs are written, as many at a time as the store takes.

    Raises:
        Unavailable: a store failed; what was not begun by then is left.
    """
    executor = ThreadPoolExecutor(plan.project.tracking.writers, "log")
    waiting: dict[Future[Row], int] = {}
    try:
        for position, outcome in outcomes:
            waiting[executor.submit(log_candidate, plan, *named[position], outcome)] = position
            for future in [each for each in waiting if each.done()]:
                yield waiting.pop(future), future.result()
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def log_candidate(plan: Plan, name: str, candidate: Candidate, outcome: Packed | Exception) -> Row:
    """Writes the run of a candidate, a failed one where it could not be fitted or stored.

    One that was not to be fitted has a finished run that says so, without metrics and model.

    Raises:
        Unavailable: a store failed; that is not the candidate's fault.
    """
    tracking = plan.project.tracking
    tags = plan.tags | {KIND: "candidate", FAMILY: candidate.family}
    run_id = tracking.start_run(plan.project.experiment, name, tags, parent=plan.parent)
    link = tracking.link(plan.project.experiment, run_id)
    row = Row(0, name, candidate.family, {}, run_id, link)
    try:
        tracking.log(run_id, params=_parameters(plan, candidate, outcome), dataset=plan.dataset)
        if isinstance(outcome, Skipped):
            row = replace(row, skipped=str(outcome))
            tracking.log(run_id, tags={SKIPPED: row.skipped})
        elif isinstance(outcome, Exception):
            row = replace(row, error=f"{type(outcome).__name__}: {outcome}")
            tracking.log(run_id, tags={ERROR: row.error})
        else:
            _log_packed(plan, run_id, name, candidate, outcome)
            sampled = outcome.rows if outcome.rows < len(plan.train) else None
            row = replace(row, metrics=outcome.metrics, sampled=sampled)
    except BaseException as error:
        with suppress(Unavailable):  # then the next sweep ends the run
            tracking.end(run_id, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracking.end(run_id, "FAILED" if row.failed else "FINISHED")
    return row


def _parameters(plan: Plan, candidate: Candidate, outcome: Packed | Exception) -> dict[str, Any]:
    """Those of the candidate, and what the task adds to every one (`BY_TASK`)."""
    added = {
        "threshold": outcome.threshold if isinstance(outcome, Packed) else None,
        "target_transform": plan.project.task.target_transform,
    }
    return candidate.described() | {key: value for key, value in added.items() if value is not None}


def _log_packed(plan: Plan, run_id: str, name: str, candidate: Candidate, packed: Packed) -> None:
    tracking, experiment = plan.project.tracking, plan.project.experiment
    model_id, location = tracking.create_model(experiment, run_id, name, candidate.described())
    try:
        with scratch() as place:
            fill_template(
                plan.template,
                place / "model",
                packed.data,
                run_id=run_id,
                model_id=model_id,
                location=location,
            )
            tracking.finish_model(run_id, model_id, place / "model")
    except BaseException:
        with suppress(Unavailable):  # what stopped the upload is what is to be told
            tracking.drop_model(model_id)
        raise
    tracking.log(
        run_id,
        model_id=model_id,
        metrics=packed.metrics | {"fit_seconds": packed.fit_seconds},
        tags={ROWS: packed.rows, SAMPLED: packed.rows < len(plan.train)},
    )
