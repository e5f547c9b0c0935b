"""What is known of a task's batches when it is to be decided whether to train again."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from rookery.core.cleaning import read_back
from rookery.core.decision import Evidence
from rookery.core.drift import drift_columns, find_drift
from rookery.core.tags import LAST_BATCH
from rookery.jobs.project import Project
from rookery.stores.audit import BatchEntry

# rows of either side that drift is looked for in: what is not seen in so many is none
MOST_ROWS = 50_000
HASHES = 2**64


def batch_tags(project: Project) -> dict[str, str]:
    """The newest batch among the clean rows, as runs and versions learned from them carry it."""
    if not project.task.source.batches:
        return {}
    cleaned = [entry for entry in project.audit.entries() if entry.rules is not None]
    return {LAST_BATCH: batch_tag(cleaned[-1])} if cleaned else {}


def batch_tag(entry: BatchEntry) -> str:
    """Names a batch with its place; the same rows may have come twice."""
    return f"{entry.position}:{entry.batch_id}"


def gather(project: Project) -> Evidence:
    """Rows in all, rows that no version has seen, and drift between the two.

    A version has seen the batches up to the one that its tag names. One without the tag, or with
    that of other tables, has seen none of them.

    Raises:
        Unavailable: a store failed.
    """
    entries = project.audit.entries()
    seen = _seen_by_versions(project, entries)
    unseen = entries[len(seen) :]
    return Evidence(
        rows=sum(entry.rows for entry in entries),
        unseen=sum(entry.rows for entry in unseen),
        trained=bool(seen),
        drift=_drift(project, seen, unseen),
    )


def _seen_by_versions(project: Project, entries: Sequence[BatchEntry]) -> Sequence[BatchEntry]:
    positions = {batch_tag(entry): entry.position for entry in entries}
    last = (
        positions.get(version.tags.get(LAST_BATCH, ""), -1)
        for version in project.tracking.versions(project.task.name)
    )
    return entries[: max(last, default=-1) + 1]


def _drift(project: Project, seen: Sequence[BatchEntry], unseen: Sequence[BatchEntry]) -> list[str]:
    limits = project.task.retrain.drift
    if limits is None or not seen or not unseen:
        return []
    return find_drift(project.task, limits, _sample(project, seen), _sample(project, unseen))


def _sample(project: Project, batches: Sequence[BatchEntry]) -> pd.DataFrame:
    """The clean rows whose hash is low enough: the same ones at every try, and few."""
    share = min(1.0, MOST_ROWS / max(1, sum(entry.rows for entry in batches)))
    # as the signed number that is stored
    highest = min(int(share * HASHES), HASHES - 1) - HASHES // 2
    columns = drift_columns(project.task)
    rows = project.tables.read(
        project.clean,
        columns=columns,
        where=sa.and_(
            sa.column("batch_id", sa.String).in_([entry.batch_id for entry in batches]),
            sa.column("row_hash", sa.BigInteger) <= highest,
        ),
    )
    return read_back(rows, project.task, columns)
