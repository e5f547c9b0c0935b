"""Linear models: one product and one sum for each row.

For each by itself: BLAS adds in another order for one row than for many, and the answer to a
request must not depend on what arrived beside it.
"""

from typing import Any

import numpy as np

from rookery.serving.predictor.interface import Array, Floats, NotCompiled
from rookery.serving.predictor.model import Linked, check_finite, kind, linked

DECIDING = ("RidgeClassifier", "RidgeClassifierCV", "LinearSVC", "Perceptron")
REGRESSING = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
    "SGDRegressor",
    "LinearSVR",
    "HuberRegressor",
)
CLASSIFYING = ("LogisticRegression", "LogisticRegressionCV", "SGDClassifier", *DECIDING)


class Linear:
    """A matrix of coefficients and a vector of intercepts.

    Raises:
        ValueError: they do not fit together.
    """

    path = "linear"

    def __init__(self, arrays: dict[str, Array], options: dict[str, Any]) -> None:
        coefficients, intercepts = arrays["coefficients"], arrays["intercepts"]
        shapes = f"{coefficients.dtype} {coefficients.shape}, {intercepts.dtype} {intercepts.shape}"
        if coefficients.ndim != 2 or intercepts.shape != coefficients.shape[1:] or options:
            raise ValueError(f"coefficients and intercepts: {shapes}")
        if coefficients.dtype != np.float64 or intercepts.dtype != np.float64:
            raise ValueError(f"coefficients and intercepts: {shapes}")
        self.arrays, self.options = arrays, options
        self.features, self.columns = coefficients.shape
        self._coefficients, self._intercepts = coefficients, intercepts

    def raw(self, X: Floats) -> Floats:
        check_finite(X)
        products = np.matmul(np.ascontiguousarray(X)[:, np.newaxis, :], self._coefficients)
        return np.asarray(products[:, 0, :] + self._intercepts)


def read(estimator: Any) -> Linked | None:
    """The compiled form of a fitted linear estimator; None for any other.

    Raises:
        NotCompiled: a linear one that has none.
    """
    name = kind(estimator)
    if name == "CalibratedClassifierCV":
        return _calibrated(estimator)
    if name not in CLASSIFYING + REGRESSING:
        return None
    model = _linear(estimator)
    if name in REGRESSING:
        return linked(model, "identity", 1.0)
    if name in DECIDING or (name == "SGDClassifier" and not hasattr(estimator, "predict_proba")):
        return linked(model, "decision")
    if model.columns == 1:
        if getattr(estimator, "loss", "log_loss") == "log_loss":
            return linked(model, "above_zero", 1.0)
    elif name != "SGDClassifier":
        return linked(model, "softmax")
    elif estimator.loss == "log_loss":
        return linked(model, "one_versus_rest")
    raise NotCompiled(f"{name} with loss {estimator.loss} has no compiled form")


def _linear(estimator: Any) -> Linear:
    rows = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    if len(rows) != 1 and len(rows) != len(getattr(estimator, "classes_", ())):
        raise NotCompiled(f"{kind(estimator)} with several outputs has no compiled form")
    intercepts = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(rows))
    # laid out as in scikit-learn's own product: BLAS adds by columns or by rows
    return Linear({"coefficients": rows.T.copy(order="K"), "intercepts": intercepts.copy()}, {})


def _calibrated(estimator: Any) -> Linked:
    """Sigmoid calibration over one linear classifier."""
    inner, *more = estimator.calibrated_classifiers_
    known = kind(inner.estimator) in CLASSIFYING and inner.method == "sigmoid" and not more
    if not known or not np.array_equal(inner.estimator.classes_, estimator.classes_):
        raise NotCompiled(f"CalibratedClassifierCV of {kind(inner.estimator)} has no compiled form")
    slopes = [float(calibrator.a_) for calibrator in inner.calibrators]
    intercepts = [float(calibrator.b_) for calibrator in inner.calibrators]
    return linked(_linear(inner.estimator), "calibrated", *slopes, *intercepts)
