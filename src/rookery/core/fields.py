"""The fields of a model's records: what its signature, its task and its example say of them."""

from collections.abc import Sequence
from typing import Any

from rookery.core.records import FieldType, RecordField
from rookery.core.task import Task
from rookery.core.values import as_whole


def fields_of(
    inputs: Sequence[tuple[str, FieldType, bool]], task: Task | None, example: dict[str, Any]
) -> tuple[RecordField, ...]:
    """The fields of a model: names and types from its signature, the rest from the task copy.

    A column that the task does not know (a model logged by hand) has its type only.
    """
    fields = []
    for name, kind, required in inputs:
        column = task.columns.get(name) if task else None
        if column is None:
            shown = example_value(example.get(name), kind)
            fields.append(RecordField(name, kind, required, example=shown))
            continue
        fields.append(
            RecordField(
                name,
                column.type,
                column.required,
                column.values,
                column.range,
                column.unit,
                column.description,
                example_value(example.get(name), column.type),
            )
        )
    return tuple(fields)


def example_value(value: Any, kind: FieldType) -> Any:
    """A stored example's value as a record holds it: a column with gaps was stored as float64.

    None where it is missing.
    """
    if value is None or value == "NaT" or value != value:
        return None
    if kind == "boolean":
        return bool(value)
    return as_whole(value) if kind == "integer" else value
