"""From `<task>_raw` to `<task>_clean` and `<task>_rejected`."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rookery.core.cleaning import Cleaned, check_columns, clean_parts, read_back
from rookery.core.located import RESERVED_COLUMNS
from rookery.errors import InputError
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

    Raises:
        InputError: nothing is ingested, or no row is clean. Unavailable: the database failed.
    """
    project = open_project(task)
    schemas = {project.clean: clean_types(project.task), project.rejected: REJECTED_TYPES}
    check_columns(project.tables.columns(project.raw) or list(project.task.columns), project.task)
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


def _append(project: Project, tables: Replacement, raw: pd.DataFrame, part: Cleaned) -> None:
    tables.append(project.clean, read_back(part.clean, project.task))
    if len(part.reasons):
        tables.append(project.rejected, rejected_rows(raw.loc[part.reasons.index], part.reasons))


def rejected_rows(raw: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    """Refused rows as they are kept: the raw row as JSON, its reasons, its batch."""
    columns = [name for name in raw.columns if name not in RESERVED_COLUMNS]
    texts = [
        json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False)
        for row in raw[columns].itertuples(index=False, name=None)
    ]
    return pd.DataFrame(
        {"row": texts, "reasons": reasons, "batch_id": raw["batch_id"]}, index=raw.index
    )


def _plain(value: object) -> object:
    """A cell as JSON can hold it; infinity as text, so that the row can be read anywhere."""
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if np.isnan(value) else (value if np.isfinite(value) else str(value))
    if isinstance(value, bool | int | str):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)


def _commonest(reasons: pd.Series) -> str:
    return str(reasons.mode().iloc[0]) if len(reasons) else "nothing but duplicates"
