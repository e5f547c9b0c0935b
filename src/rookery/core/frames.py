"""Rows of plain values as the frame that a pipeline takes, and what it says of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.records import FieldType, RecordField, Row


def frame_of(fields: Sequence[RecordField], rows: Sequence[Row]) -> pd.DataFrame:
    """One row each, in the signature's columns and types."""
    columns = list(zip(*rows, strict=True)) or [()] * len(fields)
    return pd.DataFrame(
        {field.name: _column(list(columns[at]), field.type) for at, field in enumerate(fields)},
        index=range(len(rows)),
    )


def _column(values: list[Any], kind: FieldType) -> pd.Series:
    if kind == "date":
        return pd.Series(values, dtype="datetime64[us]")
    if kind in ("category", "text"):
        return pd.Series(values, dtype="str")
    whole = {"integer": "int64", "boolean": "bool"}.get(kind)
    gaps = any(value is None for value in values)
    return pd.Series(values, dtype=whole if whole and not gaps else "float64")


def answers_of(estimator: Any, X: Any) -> tuple[list[Any], list[list[float]] | None]:
    """Labels, which need not be the most probable ones, and probabilities, as plain values."""
    labels = np.asarray(estimator.predict(X)).tolist()
    scores = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    # of several outputs there is a list of arrays
    return labels, scores.tolist() if isinstance(scores, np.ndarray) else None


def rows_of(fields: Sequence[RecordField], X: pd.DataFrame) -> list[Row]:
    """The rows of a frame as plain values: what `frame_of` makes frames of."""
    columns = [_plain(X[field.name], field.type) for field in fields]
    return list(zip(*columns, strict=True))


def _plain(column: pd.Series, kind: FieldType) -> list[Any]:
    read = {"integer": int, "boolean": bool, "float": float, "date": pd.Timestamp.to_pydatetime}
    plain = read.get(kind, str)
    gaps = column.isna().tolist()
    return [None if gap else plain(value) for gap, value in zip(gaps, column.tolist(), strict=True)]
