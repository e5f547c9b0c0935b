"""A run's model becomes a version, over the gate; no alias moves."""

from dataclasses import dataclass

import pandas as pd

from rookery.core.gate import Verdict
from rookery.core.holdout import split
from rookery.core.shape import score_on
from rookery.core.tags import TASK
from rookery.errors import InputError, Refused
from rookery.jobs.compare import examine
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean
from rookery.jobs.standing import admitted
from rookery.jobs.target import Target, from_run, register_target
from rookery.settings import get_settings
from rookery.stores.origins import snapshot_rows
from rookery.stores.tracking import Tracking


@dataclass(frozen=True)
class Registration:
    """The version that a run's model is; `new` where it was none before."""

    task: str
    version: str
    run_id: str
    reason: str
    metrics: dict[str, float]
    new: bool


def register(run_id: str, task: str | None = None, *, compare: bool = False) -> Registration:
    """Registers the model that a run logged last, if the gate's minimum lets it pass.

    With `compare` the whole gate is asked, beside what is promoted, as a promotion does.

    The run says of which task it is, unless one is named. The hold-out is that of the clean table;
    where there is no table, as in CI, that of the run's own snapshot.

    Raises:
        InputError: there is no such run, it logged no model, or there are no rows to judge it on.
        Refused: the gate or the trust rule said no; a `refused` row is left in the ledger.
        Unavailable: a store failed.
    """
    tags = Tracking(get_settings()).run(run_id).data.tags
    project = open_project(task or tags.get(TASK))
    target = from_run(project, run_id)
    if target.ours and target.version is not None:
        reason = "is a version already"
        return Registration(project.task.name, target.version, run_id, reason, {}, new=False)
    holdout = _holdout(project, run_id)
    if compare:
        examined = examine(project, target, holdout)
        metrics, verdict = examined.metrics, examined.verdict
    else:
        metrics = score_on(target.model, holdout, project.task, target.columns)
        verdict = admitted(project, metrics)
    if not verdict.passed:
        raise _refused(project, target, verdict, metrics)
    version = register_target(project, target, holdout)
    return Registration(project.task.name, version, run_id, verdict.reason, metrics, new=True)


def _holdout(project: Project, run_id: str) -> pd.DataFrame:
    if project.tables.columns(project.clean) is not None:
        return split(read_clean(project), project.task)[1]
    rows = snapshot_rows(project.tracking, run_id, project.task)
    if rows is None:
        raise InputError(
            f"there are no rows to judge run {run_id} on: no table {project.clean}, and the run "
            "keeps none",
            field="--run-id",
            value=run_id,
            allowed="a run with a snapshot, or a task that was cleaned",
            next=f"rookery clean {project.task.name}",
        )
    return split(rows, project.task)[1]


def _refused(
    project: Project, target: Target, verdict: Verdict, metrics: dict[str, float]
) -> Refused:
    name = project.task.name
    current = project.tracking.production(name)
    reason = f"{target.name} not registered: {verdict.reason}"
    project.ledger.record(name, current, None, "refused", reason, metrics)
    return Refused(
        f"{target.name} is refused by the gate: {verdict.reason}",
        field=project.task.metric,
        value=metrics.get(project.task.metric),
        allowed=f"what `gate:` of the task {name} asks for",
        next=f"rookery sweep {name}, or change `gate:` in the task",
    )
