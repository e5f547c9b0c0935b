"""What all pictures share: size, colours, names on axes; no window and no global state."""

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rookery.core.task import Task

# Okabe and Ito's colours, told apart in every kind of colour blindness; yellow is too pale on white
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
PALE = "#BBBBBB"
WIDTH = 7.0  # inches; 700 pixels at the 100 dots an inch that the jobs save with
Numbers = np.ndarray[Any, np.dtype[Any]]


def canvas(
    height: float, title: str, *, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure so many inches high, and its axes: one, or an array of them."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(title, fontsize=12)
    axes = figure.subplots(rows, columns, **options)
    for ax in np.atleast_1d(np.asarray(axes)).flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def axis_label(task: Task, name: str) -> str:
    """A column as an axis shows it: `body_mass_g` in g becomes `body mass (g)`."""
    unit = task.columns[name].unit if name in task.columns else None
    if unit is None:
        return name.replace("_", " ")
    return f"{name.removesuffix(f'_{unit}').replace('_', ' ')} ({unit})"


def short(label: Any) -> str:
    """A class or column name, cut to what fits beside an axis."""
    text = str(label)
    return text if len(text) <= 18 else f"{text[:17]}…"


def write_out(ax: Axes, *axes: Literal["x", "y"]) -> None:
    """Few numbers on an axis, as people write them: 1,500,000, not 1.5 and a far `1e6`."""
    for name in axes:
        ax.locator_params(axis=name, nbins=6)
        getattr(ax, f"{name}axis").set_major_formatter(lambda value, _: number(value))


def number(value: float) -> str:
    """Four digits that count, and no exponent where people would write none."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
