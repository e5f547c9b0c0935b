"""From the next batch of a stream to more rows in `<task>_raw`, once and whole."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rookery.core.cleaning import check_columns, named
from rookery.errors import InputError
from rookery.jobs.progress import progress
from rookery.jobs.project import Project
from rookery.stores.audit import BatchEntry
from rookery.stores.column_types import raw_texts
from rookery.stores.locks import alone
from rookery.stores.streams import Arrival, Stream, open_stream
from rookery.stores.tables import WAIT_SECONDS


@dataclass(frozen=True)
class Loaded:
    """The batch that was added, or None and what the source said at its end."""

    entry: BatchEntry | None
    ending: str


def load_next(project: Project) -> Loaded:
    """Adds the next batch to the raw table, with its entry in the audit, in one transaction.

    Raises:
        InputError: the source cannot be read as what the task says. Unavailable: a part failed.
    """
    with alone(project.tables.engine, f"{project.task.name}.batches", WAIT_SECONDS):
        stream = _stream(project)
        known = project.audit.entries()
        arrival = stream.next(known)
        if arrival is None:
            return Loaded(None, stream.ending)
        if arrival.batch.columns or not known:
            check_columns(arrival.batch.columns, project.task)
        if not known:
            _begin(project)
        entry = _add(project, arrival, known)
        arrival.loaded()
        return Loaded(entry, "")


def _stream(project: Project) -> Stream:
    return open_stream(
        project.task.source,
        list(project.task.columns),
        project.folder,
        project.settings.source_batches_url,
        project.settings.cache / "batches" / project.task.name,
    )


def _begin(project: Project) -> None:
    """An empty raw table; what another source left in it goes, and what was made from that."""
    schema = {project.raw: raw_texts(list(project.task.columns))}
    outdated = (project.clean, project.rejected)
    with project.tables.replacing(schema, project.task, outdated=outdated):
        project.audit.create()


def _add(project: Project, arrival: Arrival, known: list[BatchEntry]) -> BatchEntry:
    _check_table(project, len(known))
    batch = arrival.batch
    again = any(entry.batch_id == batch.id and entry.rows for entry in known)
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    schema = {project.raw: raw_texts(list(project.task.columns))}
    rows = 0
    with project.tables.appending(schema, project.task) as table, progress("ingest") as bar:
        for frame in () if again else batch.chunks():
            marked = named(frame, batch.columns, project.task).assign(
                batch_id=batch.id, ingested_at=now
            )
            table.append(project.raw, marked)
            rows += len(frame)
            bar.update(len(frame))
        entry = BatchEntry(len(known), arrival.number, batch.id, arrival.digest, batch.origin, rows)
        project.audit.add(table.connection, entry)
    return entry


def _check_table(project: Project, batches: int) -> None:
    """Raw rows and audit belong together."""
    columns = project.tables.columns(project.raw)
    wanted = [*project.task.columns, "batch_id", "ingested_at"]
    if columns is not None and sorted(columns) == sorted(wanted):
        return
    name = project.audit.table.name
    raise InputError(
        f"{project.raw} does not hold the columns of the {batches} batches in {name}",
        field="columns",
        value=project.raw,
        allowed="the columns with which the first batch was loaded",
        next=f"give the changed task another name, or drop {name}: then all batches come again",
    )
