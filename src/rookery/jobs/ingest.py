"""From a source to `<task>_raw`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rookery.core.cleaning import check_columns, named, task_names
from rookery.core.located import RESERVED_COLUMNS
from rookery.errors import InputError
from rookery.jobs.batches.loading import load_next
from rookery.jobs.progress import progress
from rookery.jobs.project import Project, open_project
from rookery.stores.batches import Batch
from rookery.stores.column_types import MARKS, frame_types
from rookery.stores.sources import open_source, source_from


@dataclass(frozen=True)
class Ingested:
    """What an ingest did; `number` is that of a batch, `ended` what tells the end of batches."""

    task: str
    table: str
    rows: int
    batch: str
    source: str
    unchanged: bool
    number: int | None = None
    ended: str | None = None


def ingest(task: str | None = None, *, source: str | None = None) -> Ingested:
    """Replaces the raw table by what the source holds now, or adds the next of its batches.

    A source whose content is loaded already is left as it is, so the same ingest twice gives the
    same table. Other content takes the clean and rejected rows of the old one away with it.
    A source of batches adds to the raw table; the end of its batches is no error.

    Raises:
        InputError: the source cannot be read as what the task says. Unavailable: a store failed.
    """
    project = open_project(task)
    if project.task.source.batches:
        return _next_batch(project, source)
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


def _next_batch(project: Project, source: str | None) -> Ingested:
    if source is not None:
        raise InputError(
            f"{project.task.name} takes its rows in batches; --from names one source",
            field="--from",
            value=source,
            allowed="no --from",
            next="another folder or service: `source: batches:` in the task",
        )
    found = load_next(project)
    entry = found.entry
    rows, batch, origin = (entry.rows, entry.batch_id, entry.origin) if entry else (0, "", "")
    number, ended = (entry.number, None) if entry else (None, found.ending)
    unchanged = rows == 0
    return Ingested(project.task.name, project.raw, rows, batch, origin, unchanged, number, ended)


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
    if declared.batches and not override:
        raise InputError(
            f"{project.task.name} takes its rows in batches; say which file to read",
            field="--data",
            allowed="a file of rows",
            next="--data FILE",
        )
    chosen = source_from(override, declared) if override else declared
    url = project.settings.source_database_url
    return open_source(
        chosen,
        project.folder,
        url.get_secret_value() if url else project.settings.tables_url,
        project.settings.cache,
        project.settings.source_files_folder,
    )


def _load(project: Project, batch: Batch) -> int:
    chunks = (named(part, batch.columns, project.task) for part in batch.chunks())
    first = next(chunks, None)
    if first is None or first.empty:
        raise InputError(
            f"{batch.origin} has no rows",
            field="source",
            value=batch.origin,
            allowed="at least one row",
        )
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = 0
    schema = {project.raw: frame_types(first) | MARKS}
    outdated = (project.clean, project.rejected, project.audit.table.name)
    replacing = project.tables.replacing(schema, project.task, outdated=outdated)
    with replacing as table, progress("ingest") as bar:
        frame = first
        while frame is not None:
            table.append(project.raw, frame.assign(batch_id=batch.id, ingested_at=now))
            rows += len(frame)
            bar.update(len(frame))
            frame = next(chunks, None)
    return rows
