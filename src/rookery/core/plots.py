"""Pictures of a model on rows it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics as sk

from rookery.core.canvas import PALE, PALETTE, Numbers, axis_label, canvas, number, short, write_out
from rookery.core.importance import importance
from rookery.core.metrics import probabilities
from rookery.core.segments import error_by_segment
from rookery.core.task import Task

DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
MOST_CLASSES = 30  # rows of a report that can still be read
MOST_NUMBERS = 15  # classes of a matrix whose cells can still hold a number
MOST_POINTS = 3000  # beyond it a scatter is one blot and density is drawn


def figures(model: Any, X: pd.DataFrame, y: pd.Series, task: Task) -> dict[str, Figure]:
    """The pictures by file name: what the model's kind and abilities allow.

    `X` holds the columns the model takes and `y` the target in the form it predicts. A picture
    that these rows cannot give (ROC of one class, probabilities of a model that has none) is left
    out.
    """
    if len(X) == 0:
        return {}
    y_pred = np.asarray(model.predict(X))
    if task.kind == "regressor":
        truth = y.to_numpy(dtype=float)
        drawn = {
            "predicted_against_true": _predicted_against_true(truth, y_pred, task),
            "residuals": _residuals(truth, y_pred, task),
            "error_by_segment": error_by_segment(X, truth, y_pred, task),
        }
        return drawn | {"permutation_importance": importance(model, X, y, task, ())}
    labels = _labels(model, y, y_pred, task)
    truth = np.asarray(y.tolist(), dtype=object)
    drawn = {
        "confusion_matrix": _confusion_matrix(truth, y_pred, labels),
        "per_class_report": _per_class_report(truth, y_pred, labels),
    }
    if hasattr(model, "predict_proba"):
        scores = probabilities(model, X, labels)
        sides = truth[:, None] == np.asarray(labels, dtype=object)[None, :]
        if any(0 < count < len(truth) for count in sides.sum(axis=0)):
            drawn["roc"] = _roc(sides, scores, labels)
            if len(labels) == 2:
                chosen = (truth == labels[1]), (y_pred == labels[1])
                drawn["precision_recall"] = _precision_recall(*chosen, scores[:, 1], labels[1])
        drawn["calibration"] = _calibration(sides, scores, labels)
    return drawn | {"permutation_importance": importance(model, X, y, task, labels)}


def _labels(model: Any, y: pd.Series, y_pred: Numbers, task: Task) -> list[Any]:
    """The classes in the task's order; for a model of other classes, all that occur, sorted."""
    known = np.asarray(getattr(model, "classes_", ())).tolist()
    found = {*known, *y.tolist(), *y_pred.tolist()}
    if found <= set(task.labels):
        return list(task.labels)
    return sorted(found, key=lambda label: (isinstance(label, str), label))


def _confusion_matrix(truth: Numbers, y_pred: Numbers, labels: Sequence[Any]) -> Figure:
    if len(labels) > MOST_NUMBERS:  # only what occurs, or the rest would be an empty field
        occurring = {*truth.tolist(), *y_pred.tolist()}
        labels = [label for label in labels if label in occurring]
    counts = sk.confusion_matrix(
        _as_positions(truth, labels), _as_positions(y_pred, labels), labels=range(len(labels))
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = len(truth) - int(np.trace(counts))
    figure, ax = canvas(
        5.5 if len(labels) <= MOST_NUMBERS else 6.5,
        f"Confusion matrix: {wrong} of {len(truth)} hold-out rows are wrong",
    )
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=ax, label="share of the true class", shrink=0.8)
    step = -(-len(labels) // 40)
    ticks, names = range(0, len(labels), step), [short(label) for label in labels[::step]]
    ax.set_xticks(ticks, names, rotation=90 if len("".join(names)) > 50 else 0)
    ax.set_yticks(ticks, names)
    ax.set(xlabel="predicted", ylabel="true")
    if len(labels) <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            ax.text(
                column,
                row,
                f"{count}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "black",
            )
    return figure


def _as_positions(values: Numbers, labels: Sequence[Any]) -> list[int]:
    """Labels of any type as their places, which scikit-learn can compare."""
    place = {label: index for index, label in enumerate(labels)}
    return [place[value] for value in values.tolist()]


def _per_class_report(truth: Numbers, y_pred: Numbers, labels: Sequence[Any]) -> Figure:
    """A table in which the weak cells can be seen; of many classes the weakest."""
    positions = range(len(labels))
    found = np.column_stack(
        sk.precision_recall_fscore_support(
            _as_positions(truth, labels),
            _as_positions(y_pred, labels),
            labels=positions,
            zero_division=np.nan,
        )
    )
    title = "Precision, recall and F1 of each class"
    if len(labels) > MOST_CLASSES:
        weakest = np.argsort(np.nan_to_num(found[:, 2], nan=2.0), kind="stable")[:MOST_CLASSES]
        found, labels = found[weakest], [labels[index] for index in weakest]
        title = f"The {MOST_CLASSES} weakest of {len(positions)} classes"
    figure, ax = canvas(1.2 + 0.36 * len(labels), title)
    ax.imshow(found[:, :3], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xlim(-0.5, 3.5)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    ax.set_xticks(range(4), ["precision", "recall", "F1", "rows"])
    ax.set_yticks(range(len(labels)), [short(label) for label in labels])
    for (row, column), value in np.ndenumerate(found):
        shown = f"{value:.0f}" if column == 3 else ("none" if np.isnan(value) else f"{value:.3f}")
        dark = column < 3 and value > 0.5
        ax.text(column, row, shown, ha="center", va="center", color="white" if dark else "black")
    return figure


def _lines(labels: Sequence[Any], goodness: Sequence[float]) -> dict[int, dict[str, Any]]:
    """How to draw each class: two classes mirror each other, and of many the weakest stand out."""
    shown = [1] if len(labels) == 2 else list(range(len(labels)))
    if len(shown) <= len(PALETTE):
        bright = shown
    else:
        bright = sorted(shown, key=lambda index: goodness[index])[:3]
    styles: dict[int, dict[str, Any]] = {
        index: {"color": PALE, "linewidth": 0.8, "zorder": 1} for index in shown
    }
    for place, index in enumerate(bright):
        # thinner one after the other, so that lines on top of each other all show
        width = 3.2 - 0.35 * place
        styles[index] = {
            "color": PALETTE[place],
            "linestyle": DASHES[place],
            "linewidth": width,
            "zorder": 2 + place,
            "label": short(labels[index]),
        }
    return styles


def _roc(sides: Numbers, scores: Numbers, labels: Sequence[Any]) -> Figure:
    counts = sides.sum(axis=0)
    usable = (counts > 0) & (counts < len(sides))
    areas = [
        float(sk.roc_auc_score(sides[:, i], scores[:, i])) if usable[i] else np.inf
        for i in range(len(labels))
    ]
    mean = float(np.mean([area for area in areas if np.isfinite(area)]))
    figure, ax = canvas(5.2, f"ROC, each class against the rest: mean AUC {mean:.4f}")
    ax.plot([0, 1], [0, 1], color=PALE, linestyle=":", zorder=0)
    for index, style in _lines(labels, areas).items():
        name = style.pop("label", None)
        if not usable[index]:
            if name is not None:
                ax.plot([], [], label=f"{name}: not among these rows", **style)
            continue
        wrong, right, _ = sk.roc_curve(sides[:, index], scores[:, index])
        ax.plot(wrong, right, label=f"{name}: AUC {areas[index]:.4f}" if name else None, **style)
    ax.set(
        xlabel="share of the rest that is taken for the class",
        ylabel="share of the class that is found",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    ax.legend(loc="lower right", title="weakest of all" if len(labels) > len(PALETTE) else None)
    return figure


def _precision_recall(truth: Numbers, found: Numbers, scores: Numbers, label: Any) -> Figure:
    """What each threshold would give, and where the model's own answers stand."""
    precision, recall, _ = sk.precision_recall_curve(truth, scores)
    average = sk.average_precision_score(truth, scores)
    figure, ax = canvas(5.2, f"Precision and recall of {short(label)}: average {average:.4f}")
    ax.plot(recall, precision, color=PALETTE[0], drawstyle="steps-post")
    ax.axhline(truth.mean(), color=PALE, linestyle=":", label="share of all rows")
    here = (
        sk.recall_score(truth, found, zero_division=0),
        sk.precision_score(truth, found, zero_division=0),
    )
    ax.scatter(
        *here, color=PALETTE[1], zorder=3, label=f"as answered: {here[1]:.3f}, {here[0]:.3f}"
    )
    ax.set(
        xlabel="recall: share of the class that is found",
        ylabel="precision: share of what is found that is right",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    ax.legend(loc="lower left")
    return figure


def _calibration(sides: Numbers, scores: Numbers, labels: Sequence[Any]) -> Figure:
    """Of what was given 80 %, do 80 % come true? Above, the answer; below, how many rows ask."""
    goodness = [-float(np.mean((sides[:, i] - scores[:, i]) ** 2)) for i in range(len(labels))]
    figure, (curve, counts) = canvas(
        6,
        "Calibration: predicted probability and what came true",
        rows=2,
        sharex=True,
        height_ratios=[3, 1],
    )
    curve.plot([0, 1], [0, 1], color=PALE, linestyle=":", zorder=0)
    edges = np.linspace(0, 1, 11)
    for index, style in _lines(labels, goodness).items():
        bins = np.clip(np.digitize(scores[:, index], edges[1:-1]), 0, 9)
        rows = np.bincount(bins, minlength=10)
        some = rows > 0
        given = np.bincount(bins, scores[:, index], 10)[some] / rows[some]
        true = np.bincount(bins, sides[:, index], 10)[some] / rows[some]
        curve.plot(given, true, **(style | {"linewidth": min(style["linewidth"], 1.5)}))
        curve.scatter(
            given,
            true,
            s=12 + 300 * rows[some] / rows.sum(),
            color=style["color"],
            alpha=0.6,
            zorder=style["zorder"],
        )
        counts.step(edges, np.append(rows, rows[-1]), where="post", **(style | {"label": None}))
    curve.set(ylabel="share that came true", ylim=(-0.05, 1.05))
    curve.legend(loc="upper left", title="weakest of all" if len(labels) > len(PALETTE) else None)
    # logarithmic above 1: a sure model leaves single rows between two heaps
    counts.set_yscale("symlog", linthresh=1)
    counts.yaxis.set_major_formatter("{x:g}")
    counts.set(xlabel="predicted probability of the class", ylabel="rows", ylim=(0, None))
    return figure


def _predicted_against_true(truth: Numbers, y_pred: Numbers, task: Task) -> Figure:
    rmse = sk.root_mean_squared_error(truth, y_pred)
    unit = task.columns[task.target].unit or ""
    figure, ax = canvas(6, f"Predicted against true: RMSE {number(rmse)} {unit}".rstrip())
    ends = [min(truth.min(), y_pred.min()), max(truth.max(), y_pred.max())]
    ax.plot(ends, ends, color="black", linestyle="--", linewidth=1, zorder=3)
    _points(figure, ax, truth, y_pred)
    name = axis_label(task, task.target)
    ax.set(xlabel=f"true {name}", ylabel=f"predicted {name}", aspect="equal")
    write_out(ax, "x", "y")
    return figure


def _residuals(truth: Numbers, y_pred: Numbers, task: Task) -> Figure:
    left = truth - y_pred
    figure, (ax, spread) = canvas(
        4.2,
        f"Residuals: half of them within ±{number(np.median(np.abs(left)))}",
        columns=2,
        sharey=True,
        width_ratios=[3, 1],
    )
    _points(figure, ax, y_pred, left)
    ax.axhline(0, color="black", linestyle="--", linewidth=1, zorder=3)
    spread.hist(left, bins=30, orientation="horizontal", color=PALETTE[0])
    unit = task.columns[task.target].unit
    ax.set(
        xlabel=f"predicted {axis_label(task, task.target)}",
        ylabel=f"true minus predicted ({unit})" if unit else "true minus predicted",
    )
    write_out(ax, "x", "y")
    spread.set(xlabel="rows")
    return figure


def _points(figure: Figure, ax: Axes, x: Numbers, y: Numbers) -> None:
    if len(x) <= MOST_POINTS:
        ax.scatter(x, y, s=16, color=PALETTE[0], alpha=0.5, linewidths=0)
        return
    cells = ax.hexbin(x, y, gridsize=60, bins="log", cmap="cividis", mincnt=1)
    figure.colorbar(cells, ax=ax, label="rows")
