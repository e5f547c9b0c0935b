"""Whether new rows look like those that were learned from, column by column.

With many rows every difference is significant, so a test counts only with an effect of some size:
the Kolmogorov-Smirnov distance of numbers and dates, the total variation distance of categories
(half the sum of the differences of their shares), both from 0, the same, to 1, nothing in common.
"""

from collections.abc import Iterator

import pandas as pd
from scipy.stats import ks_2samp

from rookery.core.distance import chance, tallies, total_variation
from rookery.core.sections import Drift
from rookery.core.task import Task


def drift_columns(task: Task) -> list[str]:
    """What is looked at: the target, and the columns that the model takes, but no free text."""
    return [
        name
        for name in task.columns
        if (name in task.inputs or name == task.target) and task.columns[name].type != "text"
    ]


def find_drift(task: Task, limits: Drift, seen: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """What has changed, one sentence each; both frames hold clean rows in the task's types."""
    if not len(seen) or not len(new):
        return []
    return [
        f"{name}: {finding}"
        for name in drift_columns(task)
        for finding in _findings(limits, seen[name], new[name])
    ]


def _findings(limits: Drift, seen: pd.Series, new: pd.Series) -> Iterator[str]:
    gone = abs(float(new.isna().mean()) - float(seen.isna().mean()))
    if limits.missing is not None and gone > limits.missing:
        yield f"missing in {new.isna().mean():.1%} of the new rows, {seen.isna().mean():.1%} before"
    seen, new = seen.dropna(), new.dropna()
    if seen.empty or new.empty:
        return
    if pd.api.types.is_string_dtype(seen) or pd.api.types.is_bool_dtype(seen):
        yield from _of_categories(limits, seen.astype(str), new.astype(str))
    else:
        yield from _of_numbers(limits, seen, new)


def _of_numbers(limits: Drift, seen: pd.Series, new: pd.Series) -> Iterator[str]:
    if limits.numbers is None:
        return
    kind = "int64" if pd.api.types.is_datetime64_any_dtype(seen) else "float64"
    found = ks_2samp(seen.to_numpy(kind), new.to_numpy(kind), method="asymp")
    if found.statistic > limits.numbers and found.pvalue < limits.significance:
        yield f"Kolmogorov-Smirnov distance {found.statistic:.3f} (limit {limits.numbers:g})"


def _of_categories(limits: Drift, seen: pd.Series, new: pd.Series) -> Iterator[str]:
    counts = tallies(seen, new)
    unknown = counts.loc[counts["before"] == 0, "now"]
    share = float(unknown.sum() / len(new))
    if limits.new_categories is not None and share > limits.new_categories:
        yield f"{share:.1%} of the new rows have a new category, such as {unknown.idxmax()!r}"
    if limits.categories is None or len(counts) < 2:
        return
    distance = total_variation(counts)
    if distance > limits.categories and chance(counts) < limits.significance:
        yield f"total variation distance {distance:.3f} (limit {limits.categories:g})"
