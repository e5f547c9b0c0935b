"""What changed from one version of a model to another."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from rookery.core.changes import (
    Flips,
    Pair,
    RowChanges,
    changed,
    column_changes,
    flips,
    held_out_by_both,
    row_changes,
)
from rookery.core.frames import answers_of
from rookery.core.holdout import split
from rookery.core.shape import inputs_for
from rookery.core.task import Task
from rookery.errors import InputError, Refused
from rookery.jobs.project import Project, open_project
from rookery.stores.origins import Origin, read_origin


@dataclass(frozen=True)
class Difference:
    """Pairs are what the first version has and what the second has; equal things are left out.

    `rows`, `columns` and `predictions` are None where a version keeps no rows; `notes` says which.
    """

    task: str
    before: str
    after: str
    digest: Pair
    rows: RowChanges | None
    columns: dict[str, dict[str, Pair]] | None
    features: dict[str, Pair]
    family: Pair
    parameters: dict[str, Pair]
    metrics: dict[str, Pair]
    libraries: dict[str, Pair]
    commit: Pair
    predictions: Flips | None
    notes: list[str]


def diff(before: str | int, after: str | int, task: str | None = None) -> Difference:
    """Compares data, features, parameters, metrics, libraries and answers of two versions.

    Answers are compared on the rows that the second version holds out and the first was not
    trained on.

    Raises:
        InputError: there is no such version. Refused: a model may not be loaded.
        Unavailable: MLflow failed.
    """
    project = open_project(task)
    name = project.task.name
    old, new = (read_origin(project.tracking, name, str(each)) for each in (before, after))
    notes: list[str] = []
    rows = [_rows(project, origin, notes) for origin in (old, new)]
    first, second = rows
    both = first is not None and second is not None
    return Difference(
        task=name,
        before=old.version,
        after=new.version,
        digest=[old.digest, new.digest],
        rows=row_changes(first, second) if both else None,
        columns=column_changes(first, second) if both else None,
        features=changed(_features(old), _features(new)),
        family=[old.family, new.family],
        parameters=changed(old.parameters, new.parameters),
        metrics=changed(old.metrics, new.metrics),
        libraries=changed(old.libraries, new.libraries),
        commit=[old.commit, new.commit],
        predictions=_predictions(old, new, first, second, notes),
        notes=notes,
    )


def _rows(project: Project, origin: Origin, notes: list[str]) -> pd.DataFrame | None:
    try:
        return origin.rows(project.tracking)
    except InputError as error:
        notes.append(f"rows are not compared: {error.message}")
        return None


def _features(origin: Origin) -> dict[str, Any]:
    """The columns it takes, and how it derives others from them."""
    found: dict[str, Any] = dict.fromkeys(origin.inputs, "column")
    derived = origin.task.features if origin.task else {}
    return found | {
        name: spec.model_dump(mode="json", exclude_none=True) for name, spec in derived.items()
    }


def _predictions(
    old: Origin,
    new: Origin,
    first: pd.DataFrame | None,
    second: pd.DataFrame | None,
    notes: list[str],
) -> Flips | None:
    if first is None or second is None or old.task is None or new.task is None:
        return None
    rows = held_out_by_both(split(first, old.task), split(second, new.task))
    try:
        before, after = (_answers(origin, rows, new.task) for origin in (old, new))
    except Refused as error:  # it takes a column that the other's rows have not
        notes.append(f"answers are not compared: {error.message}")
        return None
    return flips(rows, before, after, new.task)


def _answers(origin: Origin, rows: pd.DataFrame, task: Task) -> list[Any]:
    return answers_of(origin.pipeline, inputs_for(rows, task, origin.inputs))[0]
