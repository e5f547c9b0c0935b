"""A run's model becomes a version, over the gate; no alias moves."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rookery.core.checks import faults
from rookery.core.comparison import metrics_of
from rookery.core.gate import Verdict
from rookery.core.server_address import is_same_server
from rookery.core.shape import answers_on
from rookery.core.tags import TASK
from rookery.errors import InputError, Refused
from rookery.jobs.checking import check_target
from rookery.jobs.compare import examine
from rookery.jobs.holdouts import holdout_of
from rookery.jobs.project import Project, open_project
from rookery.jobs.standing import admitted
from rookery.jobs.target import Target, from_run, register_target
from rookery.settings import get_settings
from rookery.stores.model_dirs import server_of
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


def register(
    run_id: str,
    task: str | None = None,
    *,
    compare: bool = False,
    models_dir: str | Path = "models",
) -> Registration:
    """Registers the model that a run logged last, if the gate's minimum lets it pass.

    With `compare` the whole gate is asked, beside what is promoted, as a promotion does.

    The run says of which task it is, unless one is named; `models_dir`, where `rookery train` left
    the run's id, says at which server, should there be no such run here. The hold-out is that of
    the clean table; where there is no table, as in CI, that of the run's own snapshot.

    Raises:
        InputError: there is no such run, it logged no model, or there are no rows to judge it on.
        Refused: the gate or the trust rule said no; a `refused` row is left in the ledger.
        Unavailable: a store failed.
    """
    tags = _tags(run_id, Path(models_dir))
    project = open_project(task or tags.get(TASK))
    target = from_run(project, run_id)
    if target.ours and target.version is not None:
        reason = "is a version already"
        return Registration(project.task.name, target.version, run_id, reason, {}, new=False)
    holdout = holdout_of(project, run_id)
    metrics, verdict = _judged(project, target, holdout, compare=compare)
    if not verdict.passed:
        raise _refused(project, target, verdict, metrics)
    version = register_target(project, target, holdout)
    return Registration(project.task.name, version, run_id, verdict.reason, metrics, new=True)


def _tags(run_id: str, models_dir: Path) -> dict[str, str]:
    """The run's tags.

    Raises:
        InputError: it is not there; if it was logged at another server, both are named.
    """
    tracking = Tracking(get_settings())
    try:
        return dict(tracking.run(run_id).data.tags)
    except InputError as error:
        there = server_of(models_dir, run_id)
        if error.field != "--run" or there is None or is_same_server(there, tracking.uri):
            raise
        raise InputError(
            f"there is no run {run_id!r} at {tracking.uri}; it was trained at {there}, as "
            f"{models_dir} says. Training and registering take the same server",
            field="--run-id",
            value=run_id,
            allowed=f"a run of {tracking.uri}",
            next=f"set MLFLOW_TRACKING_URI to {there}; or train with --mlflow-tracking-uri "
            f"{tracking.uri}",
        ) from error


def _judged(
    project: Project, target: Target, holdout: pd.DataFrame, *, compare: bool
) -> tuple[dict[str, float], Verdict]:
    if compare:
        examined = examine(project, target, holdout)
        return examined.metrics, examined.verdict
    said = answers_on(target.model, holdout, project.task, target.columns)
    checks = check_target(project, target, holdout, said, packed=False)
    metrics = metrics_of(said)
    return metrics, admitted(project, metrics, faults(checks))


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
