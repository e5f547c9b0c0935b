"""The rows of a task as the other programs take them, and what our version says of them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from rookery.core.task import Task
from rookery.jobs.predict import predict
from rookery.jobs.project import Project

ASKED = 20  # rows that the API is asked with


def hand_out(project: Project, rows: tuple[pd.DataFrame, pd.DataFrame], folder: Path) -> None:
    """Writes `train.csv`, `test.csv`, `told.json` about them, `rookery.csv` and `asked.json`.

    The rows are those of our own split, clean: numbers are numbers, gaps are gaps. No column is
    left out, and the others are told which are dates and which are text.
    """
    task, (_, test) = project.task, rows
    for name, part in zip(("train", "test"), rows, strict=True):
        part[list(task.columns)].to_csv(folder / f"{name}.csv", index=False)
    said = predict(_records(test, task), task.name)
    written = pd.DataFrame({"said": [one["prediction"] for one in said]})
    if task.kind == "classifier":
        written["score"] = [one["probabilities"][str(task.positive)] for one in said]
    written.to_csv(folder / "rookery.csv", index=False)
    _write(folder / "told.json", _told(task))
    first = {"rows": _records(test.head(ASKED), task), "version": said[0]["version"]}
    _write(folder / "asked.json", first | {"said": [one["prediction"] for one in said[:ASKED]]})


def _told(task: Task) -> dict[str, Any]:
    dates = [name for name, column in task.columns.items() if column.type == "date"]
    types = {n: "str" for n, column in task.columns.items() if column.type in ("category", "text")}
    positive = str(task.positive) if task.kind == "classifier" else None
    if task.columns[task.target].type == "boolean":
        types[task.target] = "str"
    told = {"target": task.target, "metric": task.metric, "labels": [*map(str, task.labels)]}
    return told | {"positive": positive, "dates": dates, "types": types}


def _records(rows: pd.DataFrame, task: Task) -> list[dict[str, Any]]:
    """As the API takes them: dates in ISO 8601 form, a gap as nothing."""
    asked = rows[task.inputs].copy()
    for name in asked.select_dtypes("datetime"):
        asked[name] = asked[name].dt.strftime("%Y-%m-%dT%H:%M:%S")
    plain = asked.astype(object).where(asked.notna(), None)
    whole = [n for n in task.inputs if task.columns[n].type == "integer"]
    for name in whole:
        plain[name] = [None if value is None else int(value) for value in plain[name]]
    return list(plain.to_dict("records"))


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
