"""A batch from its arrival to the model that it leads to, or not; then the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rookery.core.decision import Decision, decide
from rookery.core.tags import LAST_BATCH
from rookery.errors import Refused, Unavailable
from rookery.jobs.batches.evidence import batch_tag, gather
from rookery.jobs.batches.loading import load_next
from rookery.jobs.clean import clean
from rookery.jobs.leaderboard import Sweep
from rookery.jobs.project import Project, open_project
from rookery.jobs.promote import Promotion, promote
from rookery.jobs.sweep import sweep
from rookery.stores.audit import DECIDED, USED, BatchEntry
from rookery.stores.locks import take

TRAIN, WAIT = "train", "wait"


@dataclass(frozen=True)
class BatchRun:
    """What became of one batch; `swept` is None where an earlier command did the sweep."""

    entry: BatchEntry
    swept: Sweep | None = None
    promoted: Promotion | None = None
    refused: str | None = None


@dataclass(frozen=True)
class BatchRuns:
    """The batches that were used, and what the source said if it had no further one."""

    task: str
    batches: list[BatchRun] = field(default_factory=list)
    ended: str | None = None


def run_batches(
    task: str | None = None, *, jobs: int | None = None, all_batches: bool = False
) -> BatchRuns:
    """Takes the next batch, or all there are, through ingest, clean, decision, sweep, promotion.

    A batch that an earlier command did not get to the end is taken up where it was left. What
    the gate refuses is not promoted, and where it misses the minimum it is no version, so its rows
    stay unseen; the batch is used all the same.

    Raises:
        whatever one of the jobs does; the batch is taken up by the next command.
    """
    project = open_project(task)
    done = BatchRuns(project.task.name)
    with _only_one(project):
        while True:
            ending = _ensure_one(project)
            if ending is not None:
                return BatchRuns(done.task, done.batches, ending)
            done.batches.append(_take_through(project, jobs))
            if not all_batches:
                return done


@contextmanager
def _only_one(project: Project) -> Iterator[None]:
    """Two at a time would train twice on one batch."""
    release = take(project.tables.engine, f"{project.task.name}.run")
    if release is None:
        raise Unavailable(
            f"another run of {project.task.name} is under way",
            field="DATABASE_URL",
            value=project.tables.engine.url.render_as_string(hide_password=True),
            allowed="one run of a task with batches at a time",
            next="the same command again, when the other one has ended",
        )
    try:
        yield
    finally:
        release()


def _ensure_one(project: Project) -> str | None:
    """Loads a batch unless one is waiting; what the source says where there is none."""
    if _waiting(project):
        return None
    found = load_next(project)
    return None if found.entry else found.ending


def _waiting(project: Project) -> list[BatchEntry]:
    return [entry for entry in project.audit.entries() if entry.state != USED]


def _take_through(project: Project, jobs: int | None) -> BatchRun:
    clean(project.task.name)
    *earlier, last = _waiting(project)
    decided = last if last.decision else _decide(project, last)
    outcome = _train(project, decided, jobs) if decided.decision == TRAIN else BatchRun(decided)
    together = {"state": USED, "decision": WAIT, "reason": f"decided with batch {last.number}"}
    ended = {"state": USED, "model_version": outcome.promoted and outcome.promoted.version}
    if outcome.refused:
        ended["reason"] = f"{decided.reason}; not promoted: {outcome.refused}"
    project.audit.update({e.position: together for e in earlier} | {last.position: ended})
    entry = project.audit.entries()[last.position]
    return BatchRun(entry, outcome.swept, outcome.promoted, outcome.refused)


def _decide(project: Project, entry: BatchEntry) -> BatchEntry:
    found = decide(project.task.retrain, gather(project))
    values = {
        "state": DECIDED,
        "decision": TRAIN if found.train else WAIT,
        "reason": _reason(entry, found),
        "unseen_share": found.unseen_share,
    }
    project.audit.update({entry.position: values})
    return project.audit.entries()[entry.position]


def _reason(entry: BatchEntry, found: Decision) -> str:
    return found.reason if entry.rows else f"no row that is not loaded already; {found.reason}"


def _train(project: Project, entry: BatchEntry, jobs: int | None) -> BatchRun:
    name = project.task.name
    run_id, swept = entry.run_id or _finished_sweep(project, entry), None
    if run_id is None:
        swept = sweep(name, jobs=jobs)
        run_id = swept.run_id
    project.audit.update({entry.position: {"run_id": run_id}})
    try:
        return BatchRun(entry, swept, promote(name, run=run_id))
    except Refused as error:
        return BatchRun(entry, swept, refused=error.message)


def _finished_sweep(project: Project, entry: BatchEntry) -> str | None:
    """A sweep of just these rows, whose process died before it could say so."""
    found = project.tracking.last_sweep(project.experiment, project.task.name)
    if found is None or found.data.tags.get(LAST_BATCH) != batch_tag(entry):
        return None
    return str(found.info.run_id)
