"""From a source to `<task>_raw`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from rookery.core.cleaning import check_columns, task_names
from rookery.core.located import RESERVED_COLUMNS
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.progress import progress
from rookery.jobs.project import Project, open_project
from rookery.stores.batches import Batch
from rookery.stores.column_types import Types, frame_types
from rookery.stores.sources import open_source, source_from
from rookery.stores.sql_types import MOMENT


@dataclass(frozen=True)
class Ingested:
    """What an ingest did."""

    task: str
    table: str
    rows: int
    batch: str
    source: str
    unchanged: bool


def ingest(task: str | None = None, *, source: str | None = None) -> Ingested:
    """Replaces the raw table by what the source holds now.

    A source whose content is loaded already is left as it is, so the same ingest twice gives the
    same table. Other content takes the clean and rejected rows of the old one away with it.

    Raises:
        InputError: the source cannot be read as what the task says. Unavailable: a store failed.
    """
    project = open_project(task)
    batch = open_batch(project, source)
    check_columns(batch.columns, project.task)
    loaded = project.tables.batches(project.raw)
    if list(loaded) == [batch.id] and _named_as_now(project, batch):
        project.tables.drop_unfinished(project.task)
        return Ingested(
            project.task.name, project.raw, loaded[batch.id], batch.id, batch.origin, unchanged=True
        )
    rows = _load(project, batch)
    return Ingested(project.task.name, project.raw, rows, batch.id, batch.origin, unchanged=False)


def _named_as_now(project: Project, batch: Batch) -> bool:
    """Whether the raw table's columns have the names that the task gives them now."""
    there = project.tables.columns(project.raw) or []
    now = task_names(batch.columns, project.task)
    return [name for name in there if name not in RESERVED_COLUMNS] == [
        name for name in now if name not in RESERVED_COLUMNS
    ]


def open_batch(project: Project, override: str | None = None) -> Batch:
    """What the task's source holds now, or the one named instead.

    Raises:
        InputError: it cannot be read as what it says it is.
    """
    declared = project.task.source
    chosen = source_from(override, declared) if override else declared
    url = project.settings.source_database_url
    return open_source(
        chosen,
        project.folder,
        url.get_secret_value() if url else project.settings.tables_url,
        project.settings.cache,
    )


def named_parts(batch: Batch, task: Task) -> Iterator[pd.DataFrame]:
    """The rows of a batch, their columns called what the task calls them."""
    names = task_names(batch.columns, task)
    return (part.set_axis(names, axis="columns") for part in batch.chunks())


def _load(project: Project, batch: Batch) -> int:
    chunks = named_parts(batch, project.task)
    first = next(chunks, None)
    if first is None or first.empty:
        raise InputError(
            f"{batch.origin} has no rows",
            field="source",
            value=batch.origin,
            allowed="at least one row",
        )
    marks: Types = {"batch_id": sa.String(64), "ingested_at": MOMENT}
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = 0
    schema = {project.raw: frame_types(first) | marks}
    outdated = (project.clean, project.rejected)
    replacing = project.tables.replacing(schema, project.task, outdated=outdated)
    with replacing as table, progress("ingest") as bar:
        frame = first
        while frame is not None:
            table.append(project.raw, frame.assign(batch_id=batch.id, ingested_at=now))
            rows += len(frame)
            bar.update(len(frame))
            frame = next(chunks, None)
    return rows
