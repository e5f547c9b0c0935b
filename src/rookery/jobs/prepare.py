"""From a file, or the source of a task, to the rows that a candidate is trained on; no database."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rookery.core.cleaning import check_columns, clean_parts, named, read_back
from rookery.core.holdout import digest, in_order
from rookery.core.prepared import as_cleaned
from rookery.errors import InputError
from rookery.jobs.ingest import open_batch
from rookery.jobs.project import Project
from rookery.stores.batches import Batch
from rookery.stores.prepared_files import is_prepared, open_prepared

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")


@dataclass(frozen=True)
class Prepared:
    """Clean rows in the order that a sweep learns them in, and what became of the others."""

    rows: pd.DataFrame
    digest: str
    origin: str
    rejected: int
    duplicates: int


def prepare(project: Project, data: str | Path | None = None) -> Prepared:
    """Cleans the raw rows of a file, or of the task's source.

    A file named `cleaned_<task>.csv` or `featured_<task>.csv` has been cleaned already.

    Raises:
        InputError: the file cannot be read as rows of the task, or none of its rows is clean.
    """
    task = project.task
    path = None if data is None else _existing(Path(data))
    ready = path is not None and is_prepared(path, task)
    task = as_cleaned(task) if ready else task
    batch = open_prepared(path, task) if path and ready else _open(project, path)
    check_columns(batch.columns, task)
    raw = (named(part, batch.columns, task) for part in batch.chunks())
    parts = [part for _, part in clean_parts(raw, task)]
    reasons = pd.concat([part.reasons for part in parts]) if parts else pd.Series(dtype=object)
    kept = sum(len(part.clean) for part in parts)
    if not kept or (ready and len(reasons)):
        raise InputError(
            f"{len(reasons)} rows of {batch.origin} are not clean, {kept} are",
            field="--data",
            value=str(reasons.iloc[0]) if len(reasons) else batch.origin,
            allowed="only clean rows in a file of this name" if ready else "at least one valid row",
        )
    rows = in_order(read_back(pd.concat([part.clean for part in parts]), task))
    duplicates = sum(part.duplicates for part in parts)
    return Prepared(rows, digest(rows), batch.origin, len(reasons), duplicates)


def _existing(path: Path) -> Path:
    if path.is_file() and path.suffix.lower() in ENDINGS:
        return path
    raise InputError(
        f"--data {path} is not a file of rows" if path.exists() else f"there is no file {path}",
        field="--data",
        value=str(path),
        allowed=f"an existing file that ends in {', '.join(ENDINGS)}",
    )


def _open(project: Project, path: Path | None) -> Batch:
    return open_batch(project, str(path) if path else None)
