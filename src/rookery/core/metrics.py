"""The metrics of a model, on rows it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from rookery.core.families import Kind

METRICS: dict[Kind, tuple[str, ...]] = {
    "classifier": (
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "roc_auc",
        "log_loss",
    ),
    "regressor": ("rmse", "mae", "median_absolute_error", "mape", "r2"),
}
# besides, of two classes, the last of them being the one that is looked for
BINARY = ("average_precision", "brier_score", "f1", "precision", "recall")
# what is asked of probabilities; any other metric of a classifier is asked of its labels
PROBABLE = ("log_loss", "roc_auc", "average_precision", "brier_score")
_MINIMIZED = ("log_loss", "brier_score", "rmse", "mae", "median_absolute_error", "mape")
DIRECTIONS = {
    name: "minimize" if name in _MINIMIZED else "maximize"
    for names in (*METRICS.values(), BINARY)
    for name in names
}
# what decides between candidates that tie on the task's metric
TIE_BREAKERS: dict[Kind, str] = {"classifier": "log_loss", "regressor": "mae"}


def evaluate(model: Any, X: pd.DataFrame, y: pd.Series, labels: Sequence[Any]) -> dict[str, float]:
    """Every metric that the model's kind allows; `labels` is empty for a regressor.

    A metric that is not defined on these rows (ROC AUC of one class) is left out.
    """
    return measured(y, *answers(model, X, labels), labels)


def answers(model: Any, X: pd.DataFrame, labels: Sequence[Any]) -> tuple[Any, Any]:
    """Predictions, and probabilities in the order of `labels` where the model has them."""
    found = np.asarray(model.predict(X))
    sure = bool(labels) and hasattr(model, "predict_proba")
    return found, probabilities(model, X, labels) if sure else None


def measured(y: pd.Series, y_pred: Any, scores: Any, labels: Sequence[Any]) -> dict[str, float]:
    """As `evaluate`, of answers that are there already."""
    if not labels:
        return regression_metrics(y.to_numpy(dtype=float), y_pred)
    return classification_metrics(y.to_numpy(), y_pred, scores, labels)


def probabilities(model: Any, X: pd.DataFrame, labels: Sequence[Any]) -> "np.ndarray[Any, Any]":
    """Shape (rows, labels), in the order of `labels`; 0 for one the model never saw."""
    raw = model.predict_proba(X)
    place = {label: index for index, label in enumerate(model.classes_)}
    columns = [raw[:, place[label]] if label in place else np.zeros(len(X)) for label in labels]
    return np.column_stack(columns)


def classification_metrics(
    y_true: Any, y_pred: Any, scores: Any, labels: Sequence[Any]
) -> dict[str, float]:
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        y_true, y_pred, labels=list(labels), average="macro", zero_division=0
    )
    found = {
        "accuracy": sk.accuracy_score(y_true, y_pred),
        "balanced_accuracy": _balanced(y_true, y_pred),
        "f1_macro": f1,
        "precision_macro": precision,
        "recall_macro": recall,
    }
    truth = np.asarray(y_true)[:, None] == np.asarray(labels, dtype=object)[None, :]
    if len(labels) == 2:
        found |= _of_second(truth[:, 1], np.asarray(y_pred) == labels[1], scores)
    if scores is not None:
        found["log_loss"] = _log_loss(truth, scores)
        found["roc_auc"] = _roc_auc(truth, scores)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _of_second(truth: Any, found: Any, scores: Any) -> dict[str, float]:
    """What is asked of two classes, the second being the one that is looked for."""
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        truth, found, average="binary", zero_division=0
    )
    binary = {"f1": f1, "precision": precision, "recall": recall}
    if scores is not None:
        binary["brier_score"] = float(np.mean((scores[:, 1] - truth) ** 2))
        if truth.any():
            binary["average_precision"] = sk.average_precision_score(truth, scores[:, 1])
    return binary


def regression_metrics(y_true: Any, y_pred: Any) -> dict[str, float]:
    """MAPE is left out where a true value is 0: scikit-learn divides by the smallest float then."""
    found = {
        "rmse": sk.root_mean_squared_error(y_true, y_pred),
        "mae": sk.mean_absolute_error(y_true, y_pred),
        "median_absolute_error": sk.median_absolute_error(y_true, y_pred),
        "mape": sk.mean_absolute_percentage_error(y_true, y_pred) if np.all(y_true) else np.nan,
        "r2": sk.r2_score(y_true, y_pred) if len(y_true) > 1 else np.nan,
    }
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _balanced(y_true: Any, y_pred: Any) -> float:
    """Mean recall over the classes that occur; scikit-learn's warns when one does not."""
    present = np.unique(np.asarray(y_true).astype(str))
    truth, guess = np.asarray(y_true).astype(str), np.asarray(y_pred).astype(str)
    return float(np.mean([(guess[truth == label] == label).mean() for label in present]))


def _log_loss(truth: Any, scores: Any) -> float:
    """Mean of -log of the probability given to the true class, clipped at float64 precision."""
    given = np.clip((truth * scores).sum(axis=1), np.finfo(float).eps, 1.0)
    return float(-np.log(given).mean())


def _roc_auc(truth: Any, scores: Any) -> float:
    """One against the rest, averaged over the classes that have both sides."""
    sides = truth.sum(axis=0)
    usable = [i for i, count in enumerate(sides) if 0 < count < len(truth)]
    if not usable:
        return float("nan")
    return float(np.mean([sk.roc_auc_score(truth[:, i], scores[:, i]) for i in usable]))
