"""Promotion: a version takes the serving alias, through the gate and with a row in the ledger."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from rookery.core.checks import Result, declared
from rookery.core.tags import BEST
from rookery.errors import InputError, Refused, Unavailable
from rookery.jobs.compare import examine
from rookery.jobs.comparison_runs import Compared
from rookery.jobs.holdouts import clean_holdout
from rookery.jobs.project import Project, open_project
from rookery.jobs.reload import tell_again, tell_api
from rookery.jobs.repair import repair, settle
from rookery.jobs.target import Target, from_run, from_version, register_target
from rookery.stores.ledger import ROLLBACK, pending, previous_version
from rookery.stores.serving_versions import require_serving_versions
from rookery.stores.versions import load_version

WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Promotion:
    """What carries the serving alias now, and since which attempt."""

    task: str
    alias: str
    version: str
    previous: str | None
    reason: str
    metrics: dict[str, float]
    changed: bool
    comparison: Compared | None = None
    api: str | None = None  # what came of telling it; None where API_URL names none
    checks: list[Result] = field(default_factory=list)


def promote(
    task: str | None = None, *, version: str | int | None = None, run: str | None = None
) -> Promotion:
    """Gives the serving alias to a version, a run's model, or what the last sweep found best.

    A run's model that is not registered yet becomes a version only after the gate let it pass. A
    model that was logged in another format than ours is converted on the way.

    Raises:
        Refused: the gate or the trust rule said no, or it was made with other libraries than those
            of the API; only a `refused` row in the ledger and a comparison are left.
        InputError: there is nothing to promote, or no such version or run.
        Unavailable: a store failed, another promotion is still under way, or the API at `API_URL`
            did not take the version, which has the alias all the same.
    """
    if version is not None and run is not None:
        raise InputError(
            "--version and --run name two things",
            field="--run",
            value=run,
            allowed="one of the two",
        )
    project = open_project(task)
    repair(project)
    try:
        done = _attempted(project, version=version, run=run)
    except Refused:
        tell_again(project)
        raise
    return replace(done, api=tell_api(project, done.version))


def _attempted(project: Project, *, version: str | int | None, run: str | None) -> Promotion:
    with _attempt(project, "promotion") as attempt:
        target = _target(project, version=version, run=run)
        current = project.tracking.production(project.task.name)
        if target.version is not None and target.version == current:
            attempt.discard()
            return _result(project, current, current, "is promoted already", {}, changed=False)
        return _promote(project, attempt.id, target, current)


def rollback(task: str | None = None) -> Promotion:
    """Gives the serving alias back to the version that had it before.

    The gate is not asked: that version has passed it.

    Raises:
        InputError: there is no earlier version. Refused: it cannot be loaded any more.
        Unavailable: a store failed, or the API at `API_URL` did not take the version.
    """
    project = open_project(task)
    repair(project)
    name = project.task.name
    with _attempt(project, ROLLBACK) as attempt:
        current = project.tracking.production(name)
        earlier = previous_version(project.ledger.entries(name))
        if earlier is None:
            attempt.discard()
            raise InputError(
                f"{name} has no earlier version to go back to",
                field="version",
                value=current,
                allowed="a task that was promoted at least twice",
                next=f"rookery status {name}",
            )
        load_version(project.tracking, name, earlier)
        project.ledger.aim(attempt.id, current, earlier, {})
        project.tracking.set_production(name, earlier)
        project.ledger.close(attempt.id, "done", ROLLBACK)
    done = _result(project, earlier, current, ROLLBACK, {}, changed=True)
    return replace(done, api=tell_api(project, earlier))


@dataclass
class _Attempt:
    """One pending row; whatever leaves the block without an outcome closes it."""

    id: int
    project: Project

    def discard(self) -> None:
        """Takes the row away: nothing was attempted after all."""
        self.project.ledger.remove(self.id)


@contextmanager
def _attempt(project: Project, reason: str) -> Iterator[_Attempt]:
    """Holds the task's place in the ledger, waiting for another attempt to end."""
    name = project.task.name
    deadline = time.monotonic() + WAIT_SECONDS
    while (entry := project.ledger.begin(name, project.tracking.production(name), reason)) is None:
        if time.monotonic() > deadline:
            other = pending(project.ledger.entries(name))
            raise Unavailable(
                f"another promotion of {name} is under way"
                + (f" since {other.at}, by {other.who}" if other else ""),
                field="promotions",
                value=other.owner if other else None,
                allowed="one promotion of a task at a time",
                next=f"rookery status {name}",
            )
        time.sleep(0.2)
        repair(project)
    attempt = _Attempt(entry, project)
    try:
        yield attempt
    except Refused as error:
        project.ledger.close(attempt.id, "refused", error.message)
        raise
    except InputError:
        attempt.discard()
        raise
    except BaseException as error:
        # the alias may have moved before this: it decides whether the attempt is done or failed
        with suppress(Unavailable):  # a store is away: the next command ends what is left pending
            settle(project, attempt.id, f"{type(error).__name__}: {error}")
        raise


def _target(project: Project, *, version: str | int | None, run: str | None) -> Target:
    if version is not None:
        return from_version(project, str(version))
    if run is not None:
        # a sweep's own id means its best candidate; whoever wrote that tag has not been named
        best = project.tracking.run(run).data.tags.get(BEST, run)
        return from_run(project, best, named=best == run)
    return _newest(project)


def _newest(project: Project) -> Target:
    """What the last sweep found best, or a version that somebody registered after it."""
    name = project.task.name
    sweep = project.tracking.last_sweep(project.experiment, project.task.name)
    versions = project.tracking.versions(name)
    if versions and (sweep is None or versions[0].creation_timestamp > (sweep.info.end_time or 0)):
        return from_version(project, str(versions[0].version), named=False)
    if sweep is None or BEST not in sweep.data.tags:
        raise InputError(
            f"there is nothing to promote for {name} yet",
            field="TASK",
            value=name,
            allowed="a task with a sweep",
            next=f"rookery sweep {name}",
        )
    return from_run(project, sweep.data.tags[BEST], named=False)


def _promote(project: Project, entry: int, target: Target, current: str | None) -> Promotion:
    require_serving_versions(target.name, target.libraries)
    holdout = clean_holdout(project)
    examined = examine(project, target, holdout)
    metrics, verdict = examined.metrics, examined.verdict
    project.ledger.note(entry, target.version, metrics)
    if not verdict.passed:
        raise Refused(
            f"{target.name} is refused by the gate: {verdict.reason}",
            field=project.task.metric,
            value=metrics.get(project.task.metric),
            allowed=_asked(project),
            next=f"rookery sweep {project.task.name}, or change `gate:` in the task",
        )
    version = register_target(project, target, holdout)
    load_version(project.tracking, project.task.name, version)
    project.ledger.aim(entry, current, version, metrics)
    project.tracking.set_production(project.task.name, version)
    project.ledger.close(entry, "done", verdict.reason)
    done = _result(project, version, current, verdict.reason, metrics, changed=True)
    return replace(done, comparison=examined.compared, checks=examined.checks)


def _asked(project: Project) -> str:
    gate = project.task.gate
    bounds = [f"{name} at {bound:g} or better" for name, bound in gate.minimum.items()]
    if gate.not_worse_than_production:
        bounds.append(f"{project.task.metric} not worse than production's")
    if gate.proof is not None:
        bounds.append(f"{project.task.metric} proven {gate.proof.replace('_', '-')}")
    bounds += [f"{name} changed by {bound:+.2%} or better" for name, bound in gate.change.items()]
    bounds += [f"{bound:g} worse at most by {name}" for name, bound in gate.segments.items()]
    if many := len(declared(project.task)):
        bounds.append(f"{many} checks passed")
    return ", ".join(bounds) or "anything"


def _result(
    project: Project,
    version: str,
    previous: str | None,
    reason: str,
    metrics: dict[str, float],
    *,
    changed: bool,
) -> Promotion:
    return Promotion(
        project.task.name, project.settings.model_alias, version, previous, reason, metrics, changed
    )
