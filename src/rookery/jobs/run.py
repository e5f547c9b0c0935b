"""The four jobs in order."""

from dataclasses import dataclass

from rookery.jobs.clean import CleanedTable, clean
from rookery.jobs.ingest import Ingested, ingest
from rookery.jobs.leaderboard import Sweep
from rookery.jobs.promote import Promotion, promote
from rookery.jobs.sweep import sweep


@dataclass(frozen=True)
class Run:
    """What each of the four did."""

    ingested: Ingested
    cleaned: CleanedTable
    swept: Sweep
    promoted: Promotion


def run(task: str | None = None, *, jobs: int | None = None) -> Run:
    """From the source to a promoted version.

    Raises:
        whatever one of the four does; those before it have done their work.
    """
    ingested = ingest(task)
    cleaned = clean(task)
    swept = sweep(task, jobs=jobs)
    return Run(ingested, cleaned, swept, promote(task))
