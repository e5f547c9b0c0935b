"""From raw rows of batches to clean and refused ones: only what is new, or all again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from rookery.core.cleaning import clean_rows, read_back
from rookery.core.rejected import rejected_rows
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.progress import progress
from rookery.jobs.project import Project
from rookery.stores.audit import CLEANED, LOADED, BatchEntry
from rookery.stores.column_types import ORIGIN, REJECTED_TYPES, Types, clean_types
from rookery.stores.locks import alone
from rookery.stores.replacement import Replacement
from rookery.stores.tables import WAIT_SECONDS

Changes = dict[int, dict[str, Any]]


def clean_batches(project: Project) -> None:
    """Cleans the batches that are not clean yet, each in one transaction.

    All of them again, in one swap, where the task's columns or rules have changed since.

    Raises:
        InputError: nothing is ingested, or no row is clean. Unavailable: the database failed.
    """
    with alone(project.tables.engine, f"{project.task.name}.batches", WAIT_SECONDS):
        _clean(project, project.audit.entries(), rules_digest(project.task))


def _clean(project: Project, entries: Sequence[BatchEntry], rules: str) -> None:
    if not entries:
        raise InputError(
            f"no batch of {project.task.name} is loaded yet",
            field="table",
            value=project.raw,
            next=f"rookery ingest {project.task.name}",
        )
    new = [entry for entry in entries if entry.state == LOADED]
    if _stale(project, entries, rules):
        _clean_all(project, entries, rules)
    elif new:
        _clean_new(project, new, rules)


def _clean_new(project: Project, new: Sequence[BatchEntry], rules: str) -> None:
    seen = _Seen(_hashes(project))
    for entry in new:
        with project.tables.appending(_schemas(project), project.task) as tables:
            changes = _clean_one(project, tables, entry, seen)
            project.audit.update(
                _marked({entry.position: changes}, [entry], rules), tables.connection
            )


def rules_digest(task: Task) -> str:
    """Names what decides whether a row is clean, and what it then is."""
    relevant = {name: column.model_dump_json() for name, column in task.columns.items()}
    text = f"{relevant}{task.cleaning.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class _Seen:
    """Sorted hashes of the clean rows so far."""

    hashes: "np.ndarray[Any, Any]"

    def add(self, hashes: "np.ndarray[Any, Any]") -> None:
        self.hashes = np.sort(np.concatenate([self.hashes, hashes]))


def _stale(project: Project, entries: Sequence[BatchEntry], rules: str) -> bool:
    """Whether the tables are not what the audit says: by other rules, or of a job that died."""
    if "row_hash" not in (project.tables.columns(project.clean) or []):
        return True
    if any(entry.rules not in (None, rules) for entry in entries):
        return True
    new = {entry.batch_id for entry in entries if entry.state == LOADED and entry.rows}
    held = (project.tables.batches(name) for name in (project.clean, project.rejected))
    return bool(new) and any(new & set(batches) for batches in held)


def _schemas(project: Project) -> dict[str, Types]:
    clean = clean_types(project.task) | ORIGIN
    return {project.clean: clean, project.rejected: REJECTED_TYPES}


def _clean_all(project: Project, entries: Sequence[BatchEntry], rules: str) -> None:
    seen, changes = _Seen(np.array([], dtype=np.uint64)), Changes()
    with project.tables.replacing(_schemas(project), project.task) as tables:
        for entry in entries:
            changes[entry.position] = _clean_one(project, tables, entry, seen)
        if not len(seen.hashes):
            raise _nothing_clean(project, sum(entry.rows for entry in entries))
    # a death here leaves the rules of before in the audit: the next clean does it again
    project.audit.update(_marked(changes, entries, rules))


def _marked(changes: Changes, entries: Sequence[BatchEntry], rules: str) -> Changes:
    states = {e.position: CLEANED if e.state == LOADED else e.state for e in entries}
    return {
        position: values | {"rules": rules, "state": states[position]}
        for position, values in changes.items()
    }


def _clean_one(
    project: Project, tables: Replacement, entry: BatchEntry, seen: _Seen
) -> dict[str, Any]:
    refused = duplicates = 0
    if not entry.rows:
        return {"rejected": 0, "duplicates": 0}
    mine = sa.column("batch_id", sa.String) == entry.batch_id
    with progress("clean", total=entry.rows) as bar:
        for raw in project.tables.chunks(project.raw, where=mine):
            part = clean_rows(raw, project.task, seen.hashes)
            seen.add(part.hashes)
            rows = read_back(part.clean, project.task)
            marks = {"batch_id": entry.batch_id, "row_hash": part.hashes.view(np.int64)}
            tables.append(project.clean, rows.assign(**marks))
            _append_rejected(project, tables, raw, part.reasons)
            refused, duplicates = refused + len(part.reasons), duplicates + part.duplicates
            bar.update(len(raw))
    return {"rejected": refused, "duplicates": duplicates}


def _append_rejected(
    project: Project, tables: Replacement, raw: pd.DataFrame, reasons: pd.Series
) -> None:
    if len(reasons):
        tables.append(project.rejected, rejected_rows(raw.loc[reasons.index], reasons))


def _hashes(project: Project) -> "np.ndarray[Any, Any]":
    found = project.tables.read(project.clean, columns=["row_hash"])["row_hash"]
    return np.sort(found.to_numpy(np.int64).view(np.uint64))


def _nothing_clean(project: Project, rows: int) -> InputError:
    return InputError(
        f"none of the {rows} rows of {project.raw} is clean",
        field="columns",
        value=rows,
        allowed="at least one valid row",
        next=f"compare tasks/{project.task.name}.yaml with the data",
    )
