"""Predictions by the promoted model, without a server."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rookery.core.cells import read_text
from rookery.core.cleaning import task_names
from rookery.core.records import InvalidRecords
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.project import Project, open_project
from rookery.stores.answers import read_cells, write_answers
from rookery.stores.versions import LoadedVersion, load_production

Record = Mapping[str, Any]


def predict(
    records: Record | Sequence[Record] | pd.DataFrame, task: str | None = None
) -> list[dict[str, Any]]:
    """One answer a record: prediction, probabilities, model, version, id.

    Raises:
        InputError: a record is not what the model takes. NotPromoted: nothing is promoted.
    """
    project = open_project(task)
    model = load_production(project.tracking, project.task.name)
    if isinstance(records, pd.DataFrame):
        rows = records.astype(object).where(records.notna(), None).to_dict("records")
    else:
        rows = [records] if isinstance(records, Mapping) else list(records)
    return _answers(project, model, rows)


def predict_row(text: str, task: str | None = None) -> dict[str, Any]:
    """The answer to one record given as JSON.

    Raises:
        InputError: it is not a JSON object, or not what the model takes.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise _not_a_record(f"--row is not JSON: {error}", text) from None
    if not isinstance(record, dict):
        raise _not_a_record(f"--row is a {type(record).__name__}, not an object", text)
    return {"predictions": predict(record, task)}


def predict_file(path: Path, out: Path | None, task: str | None = None) -> dict[str, Any]:
    """Answers for the rows of a CSV file, written to `out` as CSV where that is given.

    Cells are read by the signature, with the task's replacements and markers of missing values.

    Raises:
        InputError: the file, a row of it or `out` cannot be used; nothing is predicted then.
    """
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise InputError(
            f"--out {out} cannot be written",
            field="--out",
            value=str(out),
            allowed="a file in a folder that exists",
        )
    project = open_project(task)
    model = load_production(project.tracking, project.task.name)
    cells = read_cells(path)
    # a column that says the answer is what people's files have; it is not asked about
    target = model.task.target if model.task else None
    names = _named(cells.columns, model.task)
    asked = [
        {name: cell for name, cell in zip(names, row, strict=True) if name != target}
        for row in cells.rows
    ]
    typed = [read_text(record, model.description.fields, model.task) for record in asked]
    answers = _answers(project, model, typed)
    if out is None:
        return {"predictions": answers}
    write_answers(out, cells, answers)
    return {"rows": len(answers), "file": str(out)}


def _named(columns: list[str], task: Task | None) -> list[str]:
    return task_names(columns, task) if task else columns


def _not_a_record(message: str, text: str) -> InputError:
    return InputError(
        message, field="--row", value=text[:80], allowed="a JSON object of raw columns"
    )


def _answers(
    project: Project, model: LoadedVersion, rows: Sequence[Record]
) -> list[dict[str, Any]]:
    if not rows:
        raise InputError(
            "there is no record to predict", field="records", value=0, allowed="at least one"
        )
    try:
        reader = model.description.reader(strict=project.settings.api_strict)
        asked = reader.rows([dict(row) for row in rows])
    except InvalidRecords as error:
        first = error.faults[0]
        count = f"{len(error.faults) - 1} more" + ("" if error.complete else " at least")
        more = f" (and {count})" if len(error.faults) > 1 else ""
        raise InputError(
            f"{first.message}{more}", field=first.field, value=first.value, allowed=first.allowed
        ) from None
    labels, scores = model.answers(asked)
    return [
        model.description.answer(label, scores[at] if scores else None, str(uuid.uuid4()))
        for at, label in enumerate(labels)
    ]
