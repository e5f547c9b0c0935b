"""From `<task>_raw` to `<task>_clean` and `<task>_rejected`."""

from dataclasses import dataclass

import pandas as pd

from rookery.core.cleaning import Cleaned, check_named, clean_parts, read_back
from rookery.core.rejected import rejected_rows
from rookery.errors import InputError
from rookery.jobs.batches.cleaning import clean_batches
from rookery.jobs.progress import progress
from rookery.jobs.project import Project, open_project
from rookery.stores.column_types import REJECTED_TYPES, clean_types
from rookery.stores.replacement import Replacement


@dataclass(frozen=True)
class CleanedTable:
    """What a cleaning did; raw = clean + rejected + duplicates."""

    task: str
    raw: int
    clean: int
    rejected: int
    duplicates: int


def clean(task: str | None = None) -> CleanedTable:
    """Replaces clean and rejected rows, both at once, by what the raw table gives.

    Of a task with batches only those are cleaned that are not yet, unless its rules have changed.

    Raises:
        InputError: nothing is ingested, or no row is clean. Unavailable: the database failed.
    """
    project = open_project(task)
    if project.task.source.batches:
        return _of_batches(project)
    schemas = {project.clean: clean_types(project.task), project.rejected: REJECTED_TYPES}
    check_named(project.tables.columns(project.raw) or list(project.task.columns), project.task)
    total = kept = refused = duplicates = 0
    reasons = pd.Series(dtype=object)
    with project.tables.replacing(schemas, project.task) as tables, progress("clean") as bar:
        for raw, part in clean_parts(project.tables.chunks(project.raw), project.task):
            _append(project, tables, raw, part)
            reasons = part.reasons
            total, kept = total + len(raw), kept + len(part.clean)
            refused, duplicates = refused + len(part.reasons), duplicates + part.duplicates
            bar.update(len(raw))
        if not kept:
            raise InputError(
                f"none of the {total} rows of {project.raw} is clean",
                field="columns",
                value=_commonest(reasons),
                allowed="at least one valid row",
                next=f"compare tasks/{project.task.name}.yaml with the data",
            )
    return CleanedTable(project.task.name, total, kept, refused, duplicates)


def _of_batches(project: Project) -> CleanedTable:
    clean_batches(project)
    entries = project.audit.entries()
    rows, rejected, duplicates = (
        sum(getattr(entry, name) or 0 for entry in entries)
        for name in ("rows", "rejected", "duplicates")
    )
    kept = project.tables.count(project.clean) or 0
    return CleanedTable(project.task.name, rows, kept, rejected, duplicates)


def _append(project: Project, tables: Replacement, raw: pd.DataFrame, part: Cleaned) -> None:
    tables.append(project.clean, read_back(part.clean, project.task))
    if len(part.reasons):
        tables.append(project.rejected, rejected_rows(raw.loc[part.reasons.index], part.reasons))


def _commonest(reasons: pd.Series) -> str:
    return str(reasons.mode().iloc[0]) if len(reasons) else "nothing but duplicates"
