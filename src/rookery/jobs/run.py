"""The four jobs in order."""

from dataclasses import dataclass

from rookery.errors import InputError
from rookery.jobs.batches.running import BatchRuns, run_batches
from rookery.jobs.clean import CleanedTable, clean
from rookery.jobs.ingest import Ingested, ingest
from rookery.jobs.leaderboard import Sweep
from rookery.jobs.project import open_project
from rookery.jobs.promote import Promotion, promote
from rookery.jobs.sweep import sweep


@dataclass(frozen=True)
class Run:
    """What each of the four did."""

    ingested: Ingested
    cleaned: CleanedTable
    swept: Sweep
    promoted: Promotion


def run(
    task: str | None = None, *, jobs: int | None = None, all_batches: bool = False
) -> Run | BatchRuns:
    """From the source to a promoted version; of a source of batches, what the next one leads to.

    `all_batches` goes on until there is no further one.

    Raises:
        whatever one of the four does; those before it have done their work.
    """
    project = open_project(task)
    if project.task.source.batches:
        return run_batches(task, jobs=jobs, all_batches=all_batches)
    if all_batches:
        raise InputError(
            f"{project.task.name} does not take its rows in batches",
            field="--all",
            value=project.task.name,
            allowed="a task with `source: batches`",
        )
    ingested = ingest(task)
    cleaned = clean(task)
    swept = sweep(task, jobs=jobs)
    return Run(ingested, cleaned, swept, promote(task))
