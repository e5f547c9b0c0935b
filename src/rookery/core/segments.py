"""Where a regressor errs most: its error in each part of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rookery.core.canvas import PALE, PALETTE, Numbers, axis_label, canvas, number, short, write_out
from rookery.core.task import Task

FIFTHS = 5  # of the true values
MOST_VALUES = 12  # of a column that is looked at value by value
MOST_SEGMENTS = 24  # bars that can still be read


@dataclass(frozen=True)
class Segment:
    """Rows that have something in common, and the mean absolute error on them."""

    name: str
    rows: int
    error: float


def segments(X: pd.DataFrame, truth: Numbers, y_pred: Numbers, task: Task) -> list[Segment]:
    """Fifths of the true values, then the values of columns with few, each in its order."""
    errors = pd.Series(np.abs(truth - y_pred))
    found = []
    for title, parts in _groupings(X, truth, task):
        for name, members in errors.groupby(parts, sort=True):
            found.append(Segment(f"{title}{short(name)}", len(members), float(members.mean())))
    return found[:MOST_SEGMENTS]


def _groupings(X: pd.DataFrame, truth: Numbers, task: Task) -> Iterator[tuple[str, Numbers]]:
    fifths = min(FIFTHS, len(np.unique(truth)))
    edges = np.quantile(truth, np.linspace(0, 1, fifths + 1))
    place = np.clip(np.searchsorted(edges, truth, side="right") - 1, 0, fifths - 1)
    yield "", np.array([_range(edges, index) for index in range(fifths)], dtype=object)[place]
    for name in X.columns:
        column = task.columns.get(str(name))
        if column is None or column.type not in ("category", "boolean"):
            continue
        values = X[name].astype(object).where(X[name].notna(), "missing").astype(str).to_numpy()
        if 1 < len(np.unique(values)) <= MOST_VALUES:
            yield f"{short(name)} ", values


def _range(edges: Numbers, index: int) -> "_Range":
    return _Range(float(edges[index]), float(edges[index + 1]))


@dataclass(frozen=True, order=True)
class _Range:
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.low)}–{number(self.high)}"  # noqa: RUF001 - a range


def error_by_segment(X: pd.DataFrame, truth: Numbers, y_pred: Numbers, task: Task) -> Figure:
    """Bars of the mean absolute error, with that of all rows as a line."""
    found = segments(X, truth, y_pred, task)
    whole = float(np.abs(truth - y_pred).mean())
    unit = task.columns[task.target].unit
    figure, ax = canvas(
        1.5 + 0.32 * len(found), f"Error by segment: {number(whole)} on average over all rows"
    )
    ax.axvline(whole, color="black", linestyle="--", linewidth=1)
    colours = [PALETTE[0] if part.error <= whole else PALETTE[1] for part in found]
    ax.barh(range(len(found)), [part.error for part in found], color=colours)
    ax.set_yticks(range(len(found)), [f"{part.name} ({part.rows})" for part in found])
    ax.invert_yaxis()
    ax.grid(axis="x", color=PALE, linewidth=0.5)
    ax.set_axisbelow(True)
    ax.set(
        xlabel=f"mean absolute error ({unit})" if unit else "mean absolute error",
        ylabel=f"{axis_label(task, task.target)}, then columns (rows)",
    )
    write_out(ax, "x")
    return figure
