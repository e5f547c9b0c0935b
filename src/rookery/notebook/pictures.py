"""Pictures of a task's raw rows and of a sweep."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rookery.core.canvas import PALETTE, WIDTH, axis_label, canvas, short
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.jobs.leaderboard import Sweep
from rookery.jobs.project import open_project
from rookery.notebook.rows import arrived

MOST_COLUMNS = 12
MOST_PAIRED = 5
MOST_BARS = 30
MOST_POINTS = 1000
MOST_CANDIDATES = 40


def missing(task: str | None = None) -> Figure:
    """How many values each raw column lacks."""
    rows = arrived(task)
    lacking = rows.isna().sum()
    incomplete = int(rows.isna().any(axis=1).sum())
    figure, ax = canvas(
        1.2 + 0.3 * len(lacking),
        f"Missing values: {incomplete} of {len(rows)} rows lack at least one",
    )
    bars = ax.barh([short(name) for name in lacking.index], lacking, color=PALETTE[4])
    ax.bar_label(bars, padding=4)
    ax.invert_yaxis()
    ax.set(xlabel="rows", xlim=(0, max(1, lacking.max()) * 1.1))
    return figure


def distributions(task: str | None = None) -> Figure:
    """A histogram for each column, by class where the target has few of them."""
    import seaborn as sns

    rows, described = arrived(task), open_project(task).task
    hue = _hue(described)
    kinds = ("float", "integer", "category", "boolean")
    names = [
        name
        for name, column in described.columns.items()
        if column.type in kinds and name != hue.get("hue")
    ][:MOST_COLUMNS]
    height = -(-len(names) // 2)
    figure, axes = canvas(
        2.4 * height + 0.4, "Distributions", rows=height, columns=2, squeeze=False
    )
    for name, ax in zip(names, axes.flat, strict=False):
        values = rows[name].dropna()
        sns.histplot(
            rows.loc[values.index],
            x=_ordered(values, described.columns[name]),
            ax=ax,
            alpha=0.5,
            legend=False,
            **_shape(values),
            **(hue or {"color": PALETTE[0]}),
        )
        ax.set(xlabel=axis_label(described, name), ylabel="rows")
        if pd.api.types.is_integer_dtype(values):
            ax.locator_params(axis="x", integer=True, nbins=6)
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    if hue:
        keys = [Patch(color=color, label=short(label)) for label, color in hue["palette"].items()]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure


def pairs(task: str | None = None) -> Figure:
    """Each number against each other, at most five, coloured by class where there are few.

    Of a regressor the target is one of them.
    """
    import seaborn as sns
    from matplotlib import pyplot as plt

    described = open_project(task).task
    rows = arrived(task)
    rows = rows.sample(min(len(rows), MOST_POINTS), random_state=0)
    numbers = [
        name
        for name in described.features_used
        if described.columns[name].type in ("float", "integer")
    ]
    if described.kind == "regressor":
        numbers = [described.target, *numbers]
    if len(numbers) < 2:
        return canvas(0.6, "There are no two numbers to set against each other")[0]
    names = {name: axis_label(described, name) for name in numbers[:MOST_PAIRED]}
    hue = _hue(described)
    grid = sns.pairplot(
        rows.rename(columns=names),
        vars=list(names.values()),
        corner=True,
        height=WIDTH / 4,
        plot_kws={"s": 14, "alpha": 0.6} | ({} if hue else {"color": PALETTE[0]}),
        diag_kws={} if hue else {"color": PALETTE[0]},
        **hue,
    )
    figure: Figure = grid.figure
    plt.close(figure)  # or the notebook would show it twice
    return figure


def spread(sweep: Sweep) -> Figure:
    """Mean and standard deviation over the folds of each candidate, and the hold-out beside it."""
    rows = [row for row in sweep.rows if row.fitted][:MOST_CANDIDATES]
    metric, places = sweep.metric, range(len(rows))
    figure, ax = canvas(1.4 + 0.26 * len(rows), f"{metric} of {len(rows)} candidates")
    if all(f"cv_{metric}" in row.metrics for row in rows):
        ax.errorbar(
            [row.metrics[f"cv_{metric}"] for row in rows],
            places,
            xerr=[row.metrics[f"cv_{metric}_std"] for row in rows],
            fmt="o",
            color=PALETTE[0],
            capsize=3,
            label="folds: mean ± standard deviation",
        )
    ax.plot(
        [row.metrics.get(f"holdout_{metric}") for row in rows],
        places,
        "D",
        color=PALETTE[4],
        fillstyle="none",
        label="hold-out",
    )
    ax.set_yticks(places, [row.name for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel=metric)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _ordered(values: pd.Series, column: Column) -> pd.Series:
    """Categories in the task's order, which may not be the order in which they came."""
    if not column.values:
        return values
    unknown = [value for value in values.unique() if value not in column.values]
    return values.astype(pd.CategoricalDtype([*column.values, *unknown]))


def _shape(values: pd.Series) -> dict[str, Any]:
    """Bars side by side for few values, steps over each other for a scale."""
    if pd.api.types.is_float_dtype(values):
        return {"element": "step"}
    few = values.nunique() <= MOST_BARS
    return {"multiple": "stack", "shrink": 0.7, "discrete": True} if few else {"element": "step"}


def _hue(task: Task) -> dict[str, Any]:
    """Colour by class, where there are few enough colours."""
    if not 0 < len(task.labels) <= len(PALETTE):
        return {}
    labels = [str(label) for label in task.labels]
    return {
        "hue": task.target,
        "hue_order": labels,
        "palette": dict(zip(labels, PALETTE, strict=False)),
    }
