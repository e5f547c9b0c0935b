"""From a table that nobody has described to its task file."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from rookery.core.drafting import draft_task
from rookery.core.located import brief
from rookery.core.profile import Profile, column_names, profile
from rookery.core.profile.header import check_header
from rookery.core.sections import Source
from rookery.core.task import Task, check_task_name
from rookery.core.taskfile import parse_task
from rookery.errors import InputError
from rookery.jobs.progress import progress
from rookery.settings import Settings, get_settings, project_root
from rookery.stores.batches import Batch
from rookery.stores.csv_form import csv_form
from rookery.stores.sources import as_section, open_source, source_from
from rookery.stores.taskfiles import task_exists, write_task

MOST_ROWS = 100_000  # looked at


@dataclass(frozen=True)
class NewTask:
    """A drafted task file, and what stands out in the table."""

    task: str
    file: str
    problem: str
    target: str
    rows: int
    looked_at: int
    columns: int
    features: list[str]
    candidates: list[str]
    left_out: dict[str, str]
    warnings: dict[str, str]
    next: str


def new(name: str, source: str, target: str | None = None, *, force: bool = False) -> NewTask:
    """Writes `tasks/NAME.yaml` for a file or a table of a database (`ADDRESS#table`).

    All rows are looked at, or 100,000 drawn with a seed where there are more.

    Raises:
        InputError: there is such a task already, the source cannot be read, or nothing can be
            learnt of it.
    """
    settings = get_settings()
    check_task_name(name)
    path = settings.tasks_folder / f"{name}.yaml"
    if path.exists() and not force:
        raise task_exists(path)
    chosen = _source(source)
    batch = open_source(chosen, Path.cwd(), None, settings.cache)
    if chosen.sql:  # an address is not for the file
        batch = replace(batch, origin=f"table {source.partition('#')[2]}")
    names = column_names(batch.columns, batch.origin)
    wanted = _target(names, batch, target)
    frame, rows = _rows(batch)
    if chosen.csv:
        check_header(batch.columns, frame, batch.origin)
    found = profile(frame, names, wanted, rows, batch.origin)
    text = draft_task(name, as_section(chosen, project_root()), found, batch.origin)
    task = parse_task(text, f"{settings.tasks_folder.name}/{name}.yaml")
    written = write_task(settings.tasks_folder, name, text, force=force)
    return _result(task, written, found, settings)


def _source(text: str) -> Source:
    """The source that is named; of a text file with the separator and encoding that it has."""
    found = source_from(text, Source(csv=text or "-"))
    if not found.csv or not Path(found.csv).is_file():
        return found
    separator, encoding = csv_form(Path(found.csv))
    return found.model_copy(update={"separator": separator, "encoding": encoding})


def _target(names: list[str], batch: Batch, target: str | None) -> str:
    """The column that is meant, by its name in the task or in the source."""
    known = {given.strip(): name for given, name in zip(batch.columns, names, strict=True)}
    known |= {name: name for name in names}
    if target is not None and target.strip() in known:
        return known[target.strip()]
    folded = {name.lower(): name for name in known}
    near = get_close_matches((target or "").strip().lower(), folded, n=1)
    missing = (
        f"{batch.origin} has no column {target!r}" if target else "say what is to be predicted"
    )
    raise InputError(
        missing,
        field="--target",
        value=target,
        allowed=brief(names, 30),
        next=f"--target {folded[near[0]]!r}" if near else _no_target(names),
    )


def _no_target(names: list[str]) -> str:
    if len(names) > 1:
        return "--target COLUMN"
    return "make its first line the names of the columns, with a comma, semicolon, tab or | between"


def _rows(batch: Batch) -> tuple[pd.DataFrame, int]:
    """The rows to look at, their index being their places, and how many there are in all.

    Each row is given a number at random, and those with the lowest are kept: every row has the
    same chance, however many follow.
    """
    random = np.random.default_rng(0)
    kept, lots, rows = pd.DataFrame(), np.array([]), 0
    with progress("new") as bar:
        for part in batch.chunks():
            index = pd.RangeIndex(rows, rows + len(part))
            part = part.set_axis(batch.columns, axis="columns").set_axis(index)
            kept = pd.concat([kept, part]) if rows else part
            lots = np.concatenate([lots, random.random(len(part))])
            rows += len(part)
            if len(kept) > MOST_ROWS:
                lowest = np.sort(np.argpartition(lots, MOST_ROWS)[:MOST_ROWS])
                kept, lots = kept.iloc[lowest], lots[lowest]
            bar.update(len(part))
    if rows == 0:
        raise InputError(
            f"{batch.origin} has no rows",
            field="--from",
            value=batch.origin,
            allowed="at least one row",
        )
    return kept, rows


def _result(task: Task, path: Path, found: Profile, settings: Settings) -> NewTask:
    asked = task.source.sql is not None and task.source.sql.url is None
    run = f"rookery run {task.name}"
    needs_address = asked and settings.source_database_url is None
    return NewTask(
        task.name,
        str(path),
        found.answer.problem,
        task.target,
        found.rows,
        found.looked_at,
        len(task.columns),
        [*task.features_used, *task.features],
        list(task.candidates),
        found.left_out,
        found.warnings,
        f"set SOURCE_DATABASE_URL to that address, then: {run}" if needs_address else run,
    )
