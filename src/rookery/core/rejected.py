"""Refused rows as they are kept."""

import json

import numpy as np
import pandas as pd

from rookery.core.located import RESERVED_COLUMNS


def rejected_rows(raw: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    """Refused rows as they are kept: the raw row as JSON, its reasons, its batch."""
    columns = [name for name in raw.columns if name not in RESERVED_COLUMNS]
    texts = [
        json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False)
        for row in raw[columns].itertuples(index=False, name=None)
    ]
    return pd.DataFrame(
        {"row": texts, "reasons": reasons, "batch_id": raw["batch_id"]}, index=raw.index
    )


def _plain(value: object) -> object:
    """A cell as JSON can hold it; infinity as text, so that the row can be read anywhere."""
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if np.isnan(value) else (value if np.isfinite(value) else str(value))
    if isinstance(value, bool | int | str):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)
