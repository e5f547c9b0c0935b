"""Predictions by the promoted model, without a server."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rookery.core.records import InvalidRecords, read_text
from rookery.core.served import ServedModel
from rookery.errors import InputError
from rookery.jobs.project import Project, open_project
from rookery.stores.versions import load_production

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


def predict_csv(path: Path, task: str | None = None) -> tuple[list[str], list[dict[str, Any]]]:
    """Answers for the rows of a CSV file, and the file's columns; cells are read by the signature.

    Raises:
        InputError: the file or a row of it is not what the model takes.
    """
    project = open_project(task)
    model = load_production(project.tracking, project.task.name)
    columns, rows = _read_csv(path)
    # a column that says the answer is what people's files have; it is not asked about
    target = model.task.target if model.task else None
    asked = [{k: v for k, v in row.items() if k != target} for row in rows]
    typed = [read_text(record, model.fields, model.task) for record in asked]
    answers = _answers(project, model, typed)
    return columns, [
        dict(row) | {"answer": answer} for row, answer in zip(rows, answers, strict=True)
    ]


def write_predictions(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    """The file's rows with `prediction` and a `probability_…` a class, as CSV."""
    classes = list(rows[0]["answer"].get("probabilities", {})) if rows else []
    header = [*columns, "prediction", *(f"probability_{label}" for label in classes)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            answer = row["answer"]
            scores = [answer["probabilities"][label] for label in classes]
            writer.writerow([*(row[name] for name in columns), answer["prediction"], *scores])


def _answers(project: Project, model: ServedModel, rows: Sequence[Record]) -> list[dict[str, Any]]:
    if not rows:
        raise InputError(
            "there is no record to predict", field="records", value=0, allowed="at least one"
        )
    try:
        frame = model.reader(strict=project.settings.api_strict).frame([dict(r) for r in rows])
    except InvalidRecords as error:
        first = error.faults[0]
        more = f" (and {len(error.faults) - 1} more)" if len(error.faults) > 1 else ""
        raise InputError(
            f"{first.message}{more}", field=first.field, value=first.value, allowed=first.allowed
        ) from None
    return model.predict(frame)


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", strict=True)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}",
            field="--csv",
            value=str(path),
            allowed="a UTF-8 CSV file with a header",
        ) from error
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            raise InputError(
                f"{path}:{number}: as many cells as the header has are expected",
                field="--csv",
                value=str(path),
                allowed=reader.fieldnames,
            )
    return list(reader.fieldnames or []), rows
