"""Many candidates on the clean rows, each an MLflow run; the best becomes a model version."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib
import pandas as pd
from mlflow.entities import DatasetInput
from mlflow.tracking.context.registry import resolve_tags

from rookery.core.candidates import Candidate, Scored, expand, fit_candidate, ranking_key
from rookery.core.cleaning import read_back
from rookery.core.gate import Verdict, judge
from rookery.core.holdout import digest, split
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.progress import Progress, quiet
from rookery.jobs.project import Project, open_project
from rookery.jobs.standing import production_metrics
from rookery.stores.models import scratch, task_signature, write_model
from rookery.stores.snapshots import DIGEST, dataset_input, keep_snapshot
from rookery.stores.versioning import commit_of

KIND = "rookery.kind"
BEST = "rookery.best_run"


@dataclass(frozen=True)
class Row:
    """One candidate on the leaderboard."""

    rank: int
    name: str
    family: str
    metrics: dict[str, float]
    run_id: str
    link: str
    error: str | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None


@dataclass(frozen=True)
class Sweep:
    """What a sweep found; `version` is None where the gate did not let the best be registered."""

    task: str
    run_id: str
    link: str
    digest: str
    metric: str
    rows: list[Row]
    version: str | None
    verdict: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Row:
        return self.rows[0]

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row a candidate, the best first; metrics as columns."""
        return pd.DataFrame([
            {"rank": row.rank, "name": row.name, "family": row.family, **row.metrics,
             "run_id": row.run_id, "link": row.link, "error": row.error}
            for row in self.rows
        ])


@dataclass(frozen=True)
class _Plan:
    """What all candidates of a sweep share."""

    project: Project
    task: Task
    train: pd.DataFrame
    holdout: pd.DataFrame
    parent: str
    tags: dict[str, str]
    dataset: DatasetInput


def sweep(
    task: str | None = None,
    *,
    jobs: int | None = None,
    extra: Sequence[Candidate] = (),
    without: Sequence[str] = (),
    cross_validate: bool = True,
    register: bool = True,
    progress: Progress = quiet,
) -> Sweep:
    """Fits and scores every candidate, logs each as a run, registers the best over the gate.

    `without` keeps columns from the pipeline, to see what they are worth; such a sweep registers
    nothing. A candidate that fails is a failed run and does not stop the others.

    Raises:
        InputError: there are no clean rows, or too few. Unavailable: a store failed.
    """
    project = open_project(task)
    plan = _start(project, project.task.without(list(without)) if without else project.task)
    try:
        rows = _run_all(plan, extra, jobs or joblib.cpu_count(), cross_validate, progress)
        result = _finish(plan, rows, register=register and not without)
    except BaseException as error:
        ended = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        project.tracking.end(plan.parent, ended)
        raise
    project.tracking.end(plan.parent)
    return result


def _start(project: Project, task: Task) -> _Plan:
    tracking, experiment = project.tracking, project.experiment
    tracking.end_abandoned(experiment)
    rows = read_back(project.tables.read(project.clean), project.task)
    train, holdout = split(rows, project.task)
    _check_rows(project, train, holdout)
    content = digest(rows)
    tags = resolve_tags() | commit_of(project.folder)
    shared = {str(k): str(v) for k, v in tags.items()} | {DIGEST: content}
    parent = tracking.start_run(experiment, "sweep", shared | {KIND: "sweep"})
    uri = keep_snapshot(tracking, experiment, parent, rows, content)
    dataset = dataset_input(project.task, rows, content, uri)
    tracking.log(parent, dataset=dataset, params={
        "rows_train": len(train), "rows_holdout": len(holdout), "metric": task.metric,
        "features": ", ".join([*task.features_used, *task.features]),
    })
    return _Plan(project, task, train, holdout, parent, shared, dataset)


def _check_rows(project: Project, train: pd.DataFrame, holdout: pd.DataFrame) -> None:
    task = project.task
    if len(holdout) == 0 or len(train) < 2 * task.split.folds:
        raise InputError(
            f"{project.clean} has too few rows to learn from: {len(train)} to train on, "
            f"{len(holdout)} held out", field="split", value=len(train) + len(holdout),
            allowed=f"at least {2 * task.split.folds} training rows and 1 held out",
        )
    if task.kind == "classifier" and train[task.target].nunique() < 2:
        raise InputError(f"all training rows of {project.clean} have the same {task.target}",
                         field="target", value=str(train[task.target].iloc[0]),
                         allowed="at least two classes")


def _run_all(
    plan: _Plan, extra: Sequence[Candidate], jobs: int, cross_validate: bool, progress: Progress
) -> list[Row]:
    named = expand(plan.task, extra)
    rows = []
    with progress("sweep", total=len(named)) as bar:
        for position, outcome in _fitted(plan, named, jobs, cross_validate):
            name, candidate = named[position]
            run_id, error = _log_candidate(plan, name, candidate, outcome)
            metrics = outcome.metrics if isinstance(outcome, Scored) else {}
            link = plan.project.tracking.link(plan.project.experiment, run_id)
            rows.append((position, Row(0, name, candidate.family, metrics, run_id, link, error)))
            bar.update(1)
    ordered = sorted(rows, key=lambda item: (item[1].failed, ranking_key(
        plan.task, item[1].family, item[0], item[1].metrics)))
    return [Row(rank, r.name, r.family, r.metrics, r.run_id, r.link, r.error)
            for rank, (_, r) in enumerate(ordered, start=1)]


def _fitted(
    plan: _Plan, named: list[tuple[str, Candidate]], jobs: int, cross_validate: bool
) -> Iterator[tuple[int, Scored | Exception]]:
    """Results as they are ready, so that one is logged while the next is fitted.

    Starting worker processes costs seconds of imports: single small fits are done in threads.
    """
    small = not cross_validate and len(plan.train) < 5000
    parallel = joblib.Parallel(
        n_jobs=min(jobs, len(named)), backend="threading" if small else "loky",
        return_as="generator_unordered", batch_size=1, pre_dispatch="all",
    )
    yield from parallel(
        joblib.delayed(_attempt)(position, candidate, plan.task, plan.train, plan.holdout,
                                 cross_validate)
        for position, (_, candidate) in enumerate(named)
    )


def _attempt(position: int, candidate: Candidate, task: Task, train: pd.DataFrame,
             holdout: pd.DataFrame, cross_validate: bool) -> tuple[int, Scored | Exception]:
    try:
        return position, fit_candidate(candidate, task, train, holdout,
                                       cross_validate=cross_validate)
    except Exception as error:  # whatever an estimator raises is the result of this candidate
        return position, error


def _log_candidate(plan: _Plan, name: str, candidate: Candidate, outcome: Scored | Exception
                   ) -> tuple[str, str | None]:
    """Writes one child run; returns its id and why it failed, if it did."""
    tracking = plan.project.tracking
    run_id = tracking.start_run(
        plan.project.experiment, name,
        plan.tags | {KIND: "candidate", "family": candidate.family}, parent=plan.parent,
    )
    parameters = candidate.described()
    try:
        if isinstance(outcome, Exception):
            raise outcome
        model_id = _log_model(plan, run_id, name, parameters, outcome)
    except Exception as error:  # reported on the leaderboard and in the run
        reason = f"{type(error).__name__}: {error}"
        tracking.log(run_id, params=parameters, tags={"rookery.error": reason},
                     dataset=plan.dataset)
        tracking.end(run_id, "FAILED")
        return run_id, reason
    tracking.log(
        run_id, params=parameters, model_id=model_id, dataset=plan.dataset,
        metrics=outcome.metrics | {"fit_seconds": outcome.fit_seconds},
        tags={"rookery.rows": outcome.rows, "rookery.sampled": outcome.rows < len(plan.train)},
    )
    tracking.end(run_id)
    return run_id, None


def _log_model(plan: _Plan, run_id: str, name: str, parameters: dict[str, Any], scored: Scored
               ) -> str:
    tracking, task = plan.project.tracking, plan.task
    model_id, location = tracking.create_model(plan.project.experiment, run_id, name, parameters)
    with scratch() as folder:
        write_model(
            folder / "model", scored.pipeline, signature=task_signature(task),
            example=plan.train[task.inputs].head(3), task_text=plan.project.task_text,
            run_id=run_id, model_id=model_id, location=location,
        )
        tracking.finish_model(run_id, model_id, folder / "model")
    return model_id


def _finish(plan: _Plan, rows: list[Row], *, register: bool) -> Sweep:
    project, best = plan.project, rows[0]
    if best.failed:
        raise InputError(f"every candidate failed; the first: {best.error}", field="candidates",
                         value=best.name, next=f"mend tasks/{plan.task.name}.yaml")
    project.tracking.log(plan.parent, tags={BEST: best.run_id, "family": best.family},
                         metrics=best.metrics)
    _log_plots(plan, best)
    versions, verdict = dict[str, str](), Verdict(True, "not registered")
    if register:
        verdict, versions = _register(plan, rows)
    return Sweep(
        task=plan.task.name, run_id=plan.parent,
        link=project.tracking.link(project.experiment, plan.parent),
        digest=plan.tags[DIGEST], metric=plan.task.metric, rows=rows,
        version=versions.get(best.run_id), verdict=verdict.reason, versions=versions,
    )


def _register(plan: _Plan, rows: list[Row]) -> tuple[Verdict, dict[str, str]]:
    """Registers what the task says, if the gate lets it; a refusal leaves a row in the ledger."""
    project, task = plan.project, plan.project.task
    current = project.tracking.production(task.name)
    standing = production_metrics(project, plan.holdout)
    chosen = {row.family: row for row in reversed(rows) if not row.failed}.values() if (
        task.register_ == "each_family") else rows[:1]
    versions, best = dict[str, str](), Verdict(True, "")
    for row in sorted(chosen, key=lambda row: row.rank):
        held = {name.removeprefix("holdout_"): value for name, value in row.metrics.items()
                if name.startswith("holdout_")}
        verdict = judge(task, held, standing)
        best = verdict if row.rank == 1 else best
        if verdict.passed:
            model = project.tracking.model_of_run(row.run_id)
            versions[row.run_id] = project.tracking.register(
                task.name, model, row.run_id, {"family": row.family, DIGEST: plan.tags[DIGEST]})
        elif row.rank == 1:
            project.ledger.record(task.name, current, None, "refused",
                                  f"{row.name} not registered: {verdict.reason}", held)
    return best, versions


def _log_plots(plan: _Plan, best: Row) -> None:
    """The winner's pictures, in its run; drawn for one, because they cost more than a fit."""
    from rookery.jobs.plots import log_plots

    log_plots(plan.project, best.run_id, plan.holdout)
