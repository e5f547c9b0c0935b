"""Many candidates on the clean rows, each an MLflow run; the best becomes a model version."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import joblib
from mlflow.tracking.context.registry import resolve_tags

from rookery.core.candidates import Candidate, expand
from rookery.core.gate import Verdict
from rookery.core.holdout import digest, in_order
from rookery.core.tags import BEST, DIGEST, FAMILY, KIND, LAST_BATCH, TASK
from rookery.core.task import Task
from rookery.errors import InputError, Unavailable
from rookery.jobs.batches.evidence import batch_tags
from rookery.jobs.candidate_runs import Plan, log_all
from rookery.jobs.fitting import Fitting, fit_all
from rookery.jobs.leaderboard import Row, Sweep, ranked
from rookery.jobs.plots import log_plots
from rookery.jobs.progress import progress
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean, split_rows
from rookery.jobs.standing import admitted
from rookery.jobs.winner import keep_configuration
from rookery.stores.commits import commit_of
from rookery.stores.folders import scratch
from rookery.stores.models import task_signature, write_template
from rookery.stores.snapshots import dataset_input, keep_snapshot


def sweep(
    task: str | None = None,
    *,
    jobs: int | None = None,
    extra: Sequence[Candidate] = (),
    without: Sequence[str] = (),
    cross_validate: bool = True,
    register: bool = True,
) -> Sweep:
    """Fits and scores every candidate, logs each as a run, registers the best over the gate.

    `without` keeps columns from the pipeline, to see what they are worth; such a sweep registers
    nothing. A candidate that fails is a failed run and does not stop the others.

    Raises:
        InputError: there are no clean rows, or too few. Unavailable: a store failed.
    """
    project = open_project(task)
    reduced = _reduced(project.task, without)
    with scratch() as place:
        plan = _start(project, reduced, place / "template")
        try:
            rows = _run_all(plan, extra, jobs or joblib.cpu_count(), cross_validate=cross_validate)
            result = _finish(plan, rows, register=register and not without)
        except BaseException as error:
            ended = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with suppress(Unavailable):  # then the next sweep ends the run
                project.tracking.end(plan.parent, ended)
            raise
    project.tracking.end(plan.parent)
    return result


def _reduced(task: Task, without: Sequence[str]) -> Task:
    try:
        return task.without(list(without)) if without else task
    except ValueError as error:
        raise InputError(
            f"without: {error}",
            field="without",
            value=", ".join(without),
            allowed=", ".join(task.features_used),
        ) from error


def _start(project: Project, task: Task, template: Path) -> Plan:
    tracking, experiment = project.tracking, project.experiment
    tracking.end_abandoned(experiment)
    seen = batch_tags(project)  # before the rows: a batch that comes between is not claimed
    rows = in_order(read_clean(project))
    train, holdout = split_rows(rows, project.task)
    write_template(
        template,
        signature=task_signature(task),
        example=train[task.inputs].head(3),
        task_text=project.task_text,
    )
    content = digest(rows)
    tags = resolve_tags() | commit_of(project.folder)
    shared = {str(k): str(v) for k, v in tags.items()} | {DIGEST: content, TASK: task.name}
    shared |= seen
    # what was learnt without some columns is to be looked at, not to be promoted by default
    kind = "sweep" if task is project.task else "ablation"
    parent = tracking.start_run(experiment, "sweep", shared | {KIND: kind})
    uri = keep_snapshot(tracking, experiment, parent, rows, content)
    dataset = dataset_input(project.task, rows, content, uri)
    tracking.log(
        parent,
        dataset=dataset,
        params={
            "rows_train": len(train),
            "rows_holdout": len(holdout),
            "metric": task.metric,
            "features": ", ".join([*task.features_used, *task.features]),
        },
    )
    return Plan(project, task, train, holdout, parent, shared, dataset, template)


def _run_all(
    plan: Plan, extra: Sequence[Candidate], jobs: int, *, cross_validate: bool
) -> list[Row]:
    named = expand(plan.task, extra)
    fitting = Fitting(plan.task, plan.train, plan.holdout, cross_validate)
    rows: dict[int, Row] = {}
    with progress("sweep", total=len(named)) as bar:
        outcomes = fit_all(fitting, [candidate for _, candidate in named], jobs)
        for position, row in log_all(plan, named, outcomes):
            rows[position] = row
            bar.update(1)
    return ranked(plan.task, [rows[position] for position in range(len(named))])


def _finish(plan: Plan, rows: list[Row], *, register: bool) -> Sweep:
    project, best = plan.project, rows[0]
    if not best.fitted:
        what = "failed" if all(row.failed for row in rows) else "was skipped or failed"
        raise InputError(
            f"every candidate {what}; the first: {best.error or best.skipped}",
            field="candidates",
            value=best.name,
            next=f"mend tasks/{plan.task.name}.yaml",
        )
    tags = {BEST: best.run_id, FAMILY: best.family}
    project.tracking.log(plan.parent, tags=tags, metrics=best.metrics)
    # the winner's only: four pictures cost more than a fit
    log_plots(project, best.run_id, plan.holdout)
    # what was learnt without some columns is to be looked at, not to be trained again
    kept = keep_configuration(plan, best) if plan.task is project.task else None
    verdict, versions = _register(plan, rows) if register else (Verdict(True, "not asked for"), {})
    return Sweep(
        task=plan.task.name,
        run_id=plan.parent,
        link=project.tracking.link(project.experiment, plan.parent),
        digest=plan.tags[DIGEST],
        metric=plan.task.metric,
        rows=rows,
        version=versions.get(best.run_id),
        verdict=verdict.reason,
        versions=versions,
        configuration=kept.path if kept else None,
        configuration_note=kept.note if kept else "",
    )


def _register(plan: Plan, rows: list[Row]) -> tuple[Verdict, dict[str, str]]:
    """Registers what the task says and the gate's minimum lets pass; versions by run id.

    Beside a promoted version the best becomes the challenger, whether it is as good or not: that
    is for the promotion to find out. The refusal of the best leaves a row in the ledger.
    """
    project, task = plan.project, plan.project.task
    current = project.tracking.production(task.name)
    verdicts = {row.run_id: admitted(project, row.holdout) for row in _chosen(task, rows)}
    versions = {}
    for row in _chosen(task, rows):
        if verdicts[row.run_id].passed:
            tags = {FAMILY: row.family, DIGEST: plan.tags[DIGEST]}
            tags |= {LAST_BATCH: plan.tags[LAST_BATCH]} if LAST_BATCH in plan.tags else {}
            model = project.tracking.model_of_run(row.run_id)
            versions[row.run_id] = project.tracking.register(task.name, model, row.run_id, tags)
    best, verdict = rows[0], verdicts[rows[0].run_id]
    if current and best.run_id in versions:
        project.tracking.set_challenger(task.name, versions[best.run_id])
    if not verdict.passed:
        reason = f"{best.name} not registered: {verdict.reason}"
        project.ledger.record(task.name, current, None, "refused", reason, best.holdout)
    return verdict, versions


def _chosen(task: Task, rows: list[Row]) -> list[Row]:
    """The best, or the best of each family."""
    if task.register_ == "best":
        return rows[:1]
    first: dict[str, Row] = {}
    for row in rows:
        if row.fitted:
            first.setdefault(row.family, row)
    return list(first.values())
