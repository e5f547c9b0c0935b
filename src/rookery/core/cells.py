"""Cells of a CSV file of records, read as the fields of a model."""

from collections.abc import Sequence
from typing import Any

from rookery.core.records import FieldType, RecordField
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.core.values import FALSE, TRUE, bare, read_date, with_point


def read_text(
    record: dict[str, Any], fields: Sequence[RecordField], task: Task | None = None
) -> dict[str, Any]:
    """Cells of a CSV as the types of the fields; what cannot be read stays text, to be refused."""
    types = {field.name: field.type for field in fields}
    read = {
        name: _from_text(_as_cleaned(str(cell).strip(), name, task), types.get(name))
        for name, cell in record.items()
    }
    return {name: value for name, value in read.items() if value is not None}


def _as_cleaned(text: str, name: str, task: Task | None) -> str:
    """A cell as cleaning reads it, in the plain form of its type."""
    if task is None or name not in task.columns:
        return text
    column = task.columns[name]
    text = bare(text, column.strip)
    text = column.replace.get(text, text)
    missing = text in (*task.cleaning.missing, *column.missing)
    return "" if missing else _plain(text, column)


def _plain(text: str, column: Column) -> str:
    """A number with a point, a date in ISO 8601 form; what is neither cannot be read as one."""
    if column.format:
        found = read_date(text, column.format)
        return found.isoformat() if found else f"{text!r}, not {column.format}"
    if column.number_marks != (".", None):
        return with_point(text, *column.number_marks) or f"{text!r}, not a number"
    return text


def _from_text(text: str, kind: FieldType | None) -> Any:
    if text in ("", "NA", "NaN", "nan", "null"):
        return None
    try:
        if kind == "float":
            return float(text)
        if kind == "integer":
            return int(float(text)) if float(text).is_integer() else text
    except (ValueError, OverflowError):
        return text
    if kind == "boolean":
        return (dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)).get(text.lower(), text)
    return text
