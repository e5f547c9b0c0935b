"""What the columns of a task's tables are in a database."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.stores.sql_types import LONG, MOMENT

Types = dict[str, sa.types.TypeEngine[Any]]

CLEAN_TYPES: dict[str, Any] = {
    "float": sa.Double(),
    "integer": sa.BigInteger(),
    "boolean": sa.SmallInteger(),
    "text": LONG,
    "date": MOMENT,
}
REJECTED_TYPES: Types = {"row": LONG, "reasons": LONG, "batch_id": sa.String(64)}

# beside the columns of a batch in the raw table
MARKS: Types = {"batch_id": sa.String(64), "ingested_at": MOMENT}
# beside the columns of a clean row that came in a batch: which one, and the hash of its content
ORIGIN: Types = {"batch_id": sa.String(64), "row_hash": sa.BigInteger()}


def clean_types(task: Task) -> Types:
    return {name: _clean_type(column) for name, column in task.columns.items()}


def raw_texts(names: Sequence[str]) -> Types:
    """Raw columns of batches: what a number is may differ from one to the next, text does not."""
    return dict.fromkeys(names, LONG) | MARKS


def _clean_type(column: Column) -> sa.types.TypeEngine[Any]:
    if column.values:
        longest = max(map(len, column.values))
        return sa.String(longest) if longest <= 255 else LONG
    found: sa.types.TypeEngine[Any] = CLEAN_TYPES[column.type]
    return found


def frame_types(frame: pd.DataFrame) -> Types:
    """Column types that keep what a source gave; whatever is not a number or a date is text."""
    return {str(name): _frame_type(frame[name].dtype) for name in frame.columns}


def _frame_type(dtype: Any) -> sa.types.TypeEngine[Any]:
    if pd.api.types.is_bool_dtype(dtype):
        return sa.SmallInteger()
    if pd.api.types.is_integer_dtype(dtype) and str(dtype).lower() != "uint64":
        return sa.BigInteger()
    if pd.api.types.is_float_dtype(dtype):
        return sa.Double()
    return MOMENT if pd.api.types.is_datetime64_any_dtype(dtype) else LONG
