"""How far lately asked rows are from those that were learned from, column by column.

The Kolmogorov-Smirnov distance of numbers and dates, the total variation distance of categories
(half the sum of the differences of their shares): both from 0, the same, to 1, nothing in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.stats import ks_2samp

from rookery.core.distance import chance, tallies, total_variation

FEW = 10_000  # pairs of rows


@dataclass(frozen=True)
class Shift:
    """One column; `p_value` is None where it has one value only. Shares are from 0 to 1."""

    column: str
    measure: str
    distance: float
    p_value: float | None
    missing_before: float
    missing_now: float
    before: str
    now: str


def shifts(before: pd.DataFrame, now: pd.DataFrame, columns: Sequence[str]) -> list[Shift]:
    """The columns that both frames have, the farthest apart first; none where one has no rows."""
    if before.empty or now.empty:
        return []
    both = [name for name in columns if name in before and name in now]
    found = (_shift(name, before[name], now[name]) for name in both)
    return sorted(
        (one for one in found if one is not None), key=lambda one: (-one.distance, one.column)
    )


def _shift(name: str, before: pd.Series, now: pd.Series) -> Shift | None:
    gaps = float(before.isna().mean()), float(now.isna().mean())
    before, now = before.dropna(), now.dropna()
    if before.empty or now.empty:
        return None
    if _is_ordered(before) and _is_ordered(now):
        return _of_numbers(name, before, now, gaps)
    return _of_categories(name, before.astype(str), now.astype(str), gaps)


def _is_ordered(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values):
        return False
    kinds = (pd.api.types.is_numeric_dtype, pd.api.types.is_datetime64_any_dtype)
    return any(is_kind(values) for is_kind in kinds)


def _of_numbers(name: str, before: pd.Series, now: pd.Series, gaps: tuple[float, float]) -> Shift:
    # of few rows exactly: there the asymptotic formula has no value
    method = "exact" if len(before) * len(now) <= FEW else "asymp"
    found = ks_2samp(_floats(before), _floats(now), method=method)
    shown = (_middle(before), _middle(now))
    distance, p_value = float(found.statistic), float(found.pvalue)
    return Shift(name, "Kolmogorov-Smirnov", distance, p_value, *gaps, *shown)


def _floats(values: pd.Series) -> Any:
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.astype("datetime64[us]").astype("int64")
    return values.to_numpy("float64")


def _middle(values: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return f"median {values.sort_values().iloc[len(values) // 2]:%Y-%m-%d}"
    return f"median {values.median():.4g}"


def _of_categories(
    name: str, before: pd.Series, now: pd.Series, gaps: tuple[float, float]
) -> Shift:
    counts = tallies(before, now)
    shares = counts / counts.sum()
    p_value = chance(counts) if len(counts) > 1 else None
    shown = (_commonest(shares["before"]), _commonest(shares["now"]))
    return Shift(name, "total variation", total_variation(counts), p_value, *gaps, *shown)


def _commonest(shares: pd.Series) -> str:
    return f"{shares.idxmax()} {shares.max():.0%}"
