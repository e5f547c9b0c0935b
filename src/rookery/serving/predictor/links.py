"""From an estimator's raw values to labels and scores, by scikit-learn's own formulas.

Each takes the raw values (rows, columns) and the link's parameters, and gives for a classifier
the index of the label and the scores (None where there are none), for a regressor the value.
"""

from collections.abc import Callable

import numpy as np

from rookery.serving.predictor.interface import Array, Floats

Answer = tuple[Array, Floats | None]
Link = Callable[[Floats, Floats], Answer]


def _expit(raw: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-raw))


def _pair(probability: Floats) -> Floats:
    return np.stack([1.0 - probability, probability], axis=1)


def _shares(raw: Floats) -> Floats:
    # as `max` and `sum` do, which cost as much again before they begin
    exponents: Floats = np.exp(raw - np.maximum.reduce(raw, axis=1, keepdims=True))
    exponents /= np.add.reduce(exponents, axis=1, keepdims=True)
    return exponents


def _normalized(scores: Floats) -> Floats:
    total = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total == 0, 1.0 / scores.shape[1], scores / total))


def _votes(raw: Floats, parameters: Floats) -> Answer:
    scores = raw / parameters[0]
    return scores.argmax(axis=1), scores


def _above_zero(raw: Floats, parameters: Floats) -> Answer:
    """Binary: the second class above 0; parameters: the slope of the logistic curve."""
    column = raw[:, 0]
    return (column > 0).astype(np.intp), _pair(_expit(parameters[0] * column))


def _from_zero(raw: Floats, parameters: Floats) -> Answer:
    """As `_above_zero`, but 0 itself is the second class."""
    column = raw[:, 0]
    return (column >= 0).astype(np.intp), _pair(_expit(parameters[0] * column))


def _softmax(raw: Floats, parameters: Floats) -> Answer:
    del parameters
    return raw.argmax(axis=1), _shares(raw)


def _one_versus_rest(raw: Floats, parameters: Floats) -> Answer:
    del parameters
    return raw.argmax(axis=1), _normalized(_expit(raw))


def _decision(raw: Floats, parameters: Floats) -> Answer:
    """A classifier without probabilities."""
    del parameters
    binary = raw.shape[1] == 1
    return (raw[:, 0] > 0).astype(np.intp) if binary else raw.argmax(axis=1), None


def _calibrated(raw: Floats, parameters: Floats) -> Answer:
    """Sigmoid calibration; parameters: the slopes of the columns, then their intercepts."""
    slopes, intercepts = parameters.reshape(2, -1)
    scores = _expit(-(slopes * raw + intercepts))
    scores = _pair(scores[:, 0]) if raw.shape[1] == 1 else _normalized(scores)
    return scores.argmax(axis=1), scores


def _samme(raw: Floats, parameters: Floats) -> Answer:
    """AdaBoost; parameters: the sum of the weights."""
    votes = raw / parameters[0]
    if raw.shape[1] > 2:
        return votes.argmax(axis=1), _shares(votes / (raw.shape[1] - 1))
    decision = votes[:, 1] - votes[:, 0]
    return (decision > 0).astype(np.intp), _shares(np.stack([-decision, decision], axis=1) / 2)


def _identity(raw: Floats, parameters: Floats) -> Answer:
    return raw[:, 0] / parameters[0], None


def _exponential(raw: Floats, parameters: Floats) -> Answer:
    """Of what was learnt as a logarithm; parameters: what the sum is divided by."""
    return np.exp(raw[:, 0] / parameters[0]), None


def _weighted_median(raw: Floats, parameters: Floats) -> Answer:
    """AdaBoost of regressors; parameters: the weight of each column."""
    order = np.argsort(raw, axis=1)
    weights = np.cumsum(parameters[order], axis=1)
    above = weights >= 0.5 * weights[:, -1:]
    chosen = order[np.arange(len(raw)), above.argmax(axis=1)]
    return raw[np.arange(len(raw)), chosen], None


CLASSIFIERS: dict[str, Link] = {
    "votes": _votes,
    "above_zero": _above_zero,
    "from_zero": _from_zero,
    "softmax": _softmax,
    "one_versus_rest": _one_versus_rest,
    "decision": _decision,
    "calibrated": _calibrated,
    "samme": _samme,
}
REGRESSORS: dict[str, Link] = {
    "identity": _identity,
    "exponential": _exponential,
    "weighted_median": _weighted_median,
}
# columns of raw values and number of parameters, by the number of classes
_BINARY = ("above_zero", "from_zero")


def check_link(name: str, columns: int, classes: int, parameters: Array) -> None:
    """What `parameters` and `columns` must be for the link to answer.

    Raises:
        ValueError: they are not.
    """
    binary = columns == 1 and classes == 2
    many = columns == classes and classes > 1
    if classes:
        fits = name in CLASSIFIERS and (binary if name in _BINARY else many)
        fits = fits or (binary and name in ("decision", "calibrated"))
        fits = fits or (name == "votes" and columns == classes)
    else:
        fits = name in REGRESSORS and (columns == 1 or name == "weighted_median")
    wanted = {"calibrated": 2 * columns, "weighted_median": columns}.get(name, 1)
    if not fits or parameters.dtype != np.float64 or parameters.shape != (wanted,):
        raise ValueError(f"link {name} of {columns} columns, {classes} classes")
