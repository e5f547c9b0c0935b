"""Tables of a task's rows: what arrived, what was refused, what is held out."""

import json
from typing import Any

import pandas as pd

from rookery.core.holdout import split
from rookery.core.located import brief
from rookery.core.parsing import parse_number, without_markers
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.core.values import FALSE, TRUE
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean
from rookery.stores.tables import CHUNK

MOST_GROUPS = 8


def columns(task: str | None = None) -> pd.DataFrame:
    """What the task file says of each column."""
    found = open_project(task).task
    rows = [
        {
            "column": name,
            "role": _role(found, name),
            "type": column.type,
            "unit": column.unit or "",
            "allowed": _allowed(column),
            "required": column.required,
            "meaning": column.description,
        }
        for name, column in found.columns.items()
    ]
    return pd.DataFrame(rows).set_index("column")


def arrived(task: str | None = None) -> pd.DataFrame:
    """Raw rows as the task reads them: markers of a missing value as missing, numbers as numbers.

    At most the first 50,000, without the columns of the batch.
    """
    project = open_project(task)
    raw = next(project.tables.chunks(project.raw, CHUNK))
    return pd.DataFrame(
        {
            name: _read(raw[name], column, project.task)
            for name, column in project.task.columns.items()
        }
    )


def rejected(task: str | None = None) -> pd.DataFrame:
    """Refused rows as they came, each with its reasons."""
    found = _rejected(open_project(task))
    rows = pd.DataFrame([json.loads(text) for text in found["row"]], index=found.index)
    rows.insert(0, "reasons", found["reasons"])
    return rows.reset_index(drop=True)


def reasons(task: str | None = None) -> pd.DataFrame:
    """How often each reason was given; a row may have several."""
    given = _rejected(open_project(task))["reasons"].astype("str").str.split("; ").explode()
    return given.value_counts().rename_axis("reason").to_frame("rows")


def sides(task: str | None = None) -> pd.DataFrame:
    """Training and hold-out rows: of each class, or how the target is spread."""
    project = open_project(task)
    target = project.task.target
    train, holdout = _split(project)
    both = {"training": train[target], "hold-out": holdout[target]}
    if project.task.kind == "regressor":
        return pd.DataFrame({side: values.describe() for side, values in both.items()})
    counts = pd.DataFrame({side: values.value_counts() for side, values in both.items()})
    counts = counts.reindex(list(project.task.labels)).fillna(0).astype(int)
    counts["share held out"] = (counts["hold-out"] / counts.sum(axis=1)).round(3)
    return counts


def example(task: str | None = None) -> tuple[dict[str, Any], Any]:
    """A record to ask about, as JSON has it, and the true answer: the first hold-out row."""
    project = open_project(task)
    _, holdout = _split(project)
    row = json.loads(holdout.head(1).to_json(orient="records", date_format="iso"))[0]
    return {name: row[name] for name in project.task.inputs}, row[project.task.target]


def kind(task: str | None = None) -> str:
    """`classifier` or `regressor`: what the task's estimators have to be."""
    return open_project(task).task.kind


def clue(task: str | None = None) -> str:
    """The first category among the features, or the first feature where none is one."""
    found = open_project(task).task
    categories = [name for name in found.features_used if found.columns[name].type == "category"]
    return [*categories, *found.features_used][0]


def against(task: str | None, column: str) -> pd.DataFrame:
    """How the target stands to one column: rows of each class, or the spread of a number."""
    project = open_project(task)
    rows = read_clean(project)
    groups = rows[column]
    if pd.api.types.is_numeric_dtype(groups) and groups.nunique() > MOST_GROUPS:
        groups = pd.cut(groups, MOST_GROUPS)
    target = rows[project.task.target]
    if project.task.kind == "regressor":
        return target.groupby(groups, observed=True).describe()
    return pd.crosstab(groups, target)


def _role(task: Task, name: str) -> str:
    if name == task.target:
        return "target"
    return "feature" if name in task.inputs else "not used"


def _allowed(column: Column) -> str:
    if column.range:
        return f"{column.range[0]:g} to {column.range[1]:g}"
    return brief(column.values) if column.values else ""


def _read(values: pd.Series, column: Column, task: Task) -> pd.Series:
    read = without_markers(values, column, task)
    if column.type in ("float", "integer"):
        return parse_number(read, column)[0]
    text = read.astype("str")
    if column.type == "boolean":
        words = text.str.lower()
        return text.mask(words.isin(TRUE), "True").mask(words.isin(FALSE), "False")
    return text


def _rejected(project: Project) -> pd.DataFrame:
    return project.tables.read(project.rejected)


def _split(project: Project) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = read_clean(project)
    return split(rows, project.task)
