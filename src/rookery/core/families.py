"""The estimator families a task can name, and how each is built."""

import importlib
import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV

from rookery.core import boosters
from rookery.errors import InputError

Kind = Literal["classifier", "regressor"]
SEED = 42


@dataclass(frozen=True)
class Family:
    """One family: where its classes are, and its rank when two candidates are equally good."""

    classifier: str | None
    regressor: str | None
    simplicity: int  # 0 is the simplest
    calibrated: bool = False  # has no probabilities of its own

    def path(self, kind: Kind) -> str | None:
        return self.classifier if kind == "classifier" else self.regressor

    def supports(self, kind: Kind) -> bool:
        return self.path(kind) is not None

    def parameters(self, kind: Kind) -> tuple[str, ...] | None:
        """The names that a parameter set may hold; None where its library is not installed."""
        path = self.path(kind)
        return estimator_parameters(path) if path else ()


FAMILIES = {
    "linear_regression": Family(None, "sklearn.linear_model.LinearRegression", 0),
    "logistic_regression": Family("sklearn.linear_model.LogisticRegression", None, 0),
    "ridge": Family(
        "sklearn.linear_model.RidgeClassifier", "sklearn.linear_model.Ridge", 0, calibrated=True
    ),
    "gaussian_nb": Family("sklearn.naive_bayes.GaussianNB", None, 0),
    "decision_tree": Family(
        "sklearn.tree.DecisionTreeClassifier", "sklearn.tree.DecisionTreeRegressor", 1
    ),
    "knn": Family(
        "sklearn.neighbors.KNeighborsClassifier", "sklearn.neighbors.KNeighborsRegressor", 2
    ),
    "svc": Family("sklearn.svm.SVC", None, 3, calibrated=True),
    "svr": Family(None, "sklearn.svm.SVR", 3),
    "adaboost": Family(
        "sklearn.ensemble.AdaBoostClassifier", "sklearn.ensemble.AdaBoostRegressor", 4
    ),
    "random_forest": Family(
        "sklearn.ensemble.RandomForestClassifier", "sklearn.ensemble.RandomForestRegressor", 5
    ),
    "extra_trees": Family(
        "sklearn.ensemble.ExtraTreesClassifier", "sklearn.ensemble.ExtraTreesRegressor", 5
    ),
    "gradient_boosting": Family(
        "sklearn.ensemble.GradientBoostingClassifier",
        "sklearn.ensemble.GradientBoostingRegressor",
        6,
    ),
    "hist_gradient_boosting": Family(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        6,
    ),
    "lightgbm": Family(
        "rookery.core.boosters.LightGBMClassifier", "rookery.core.boosters.LightGBMRegressor", 6
    ),
    "xgboost": Family(
        "rookery.core.boosters.XGBoostClassifier", "rookery.core.boosters.XGBoostRegressor", 6
    ),
}
UNNAMED_SIMPLICITY = 7
_IN_SKLEARN = re.compile(r"sklearn(\.\w+)+").fullmatch


@cache
def estimator_class(path: str) -> type[BaseEstimator]:
    """The scikit-learn classifier or regressor at a dotted path.

    Raises:
        ValueError: there is none at that path, or it cannot be built from plain parameters.
    """
    module, _, name = path.rpartition(".")
    if name in boosters.WRAPPED and module == boosters.__name__:
        return cast("type[BaseEstimator]", getattr(boosters, name))
    try:
        # checked before the import, which runs what it finds
        found = getattr(importlib.import_module(module), name) if _IN_SKLEARN(path) else None
    except (ImportError, AttributeError):
        found = None
    if not (inspect.isclass(found) and issubclass(found, ClassifierMixin | RegressorMixin)):
        raise ValueError(f"scikit-learn has no classifier or regressor {path}")
    if any(given.default is given.empty for given in inspect.signature(found).parameters.values()):
        raise ValueError(f"{path} is made of other estimators, which a task file cannot hold")
    return found


def kind_of(path: str) -> Kind:
    return "classifier" if issubclass(estimator_class(path), ClassifierMixin) else "regressor"


@cache
def estimator_parameters(path: str) -> tuple[str, ...] | None:
    """The names that an estimator takes; None where its library is not installed."""
    cls = estimator_class(path)
    if issubclass(cls, boosters.Boosted):
        return boosters.booster_parameters(cls)
    return tuple(sorted(inspect.signature(cls).parameters))


def missing_library(estimator: BaseEstimator) -> str | None:
    """What is to be installed before this estimator can be fitted; None where nothing is."""
    try:
        if isinstance(estimator, boosters.Boosted):
            boosters.library(estimator.library)
    except InputError as error:
        return f"{error.message}: {error.next}"
    return None


def simplicity(family: str) -> int:
    return FAMILIES[family].simplicity if family in FAMILIES else UNNAMED_SIMPLICITY


def build_estimator(path: str, parameters: dict[str, Any], *, calibrated: bool) -> BaseEstimator:
    """An unfitted estimator, seeded wherever it takes a seed.

    A classifier without probabilities is wrapped in sigmoid calibration over one refitted
    estimator, which is what scikit-learn recommends since `SVC(probability=True)` is deprecated.
    """
    cls = estimator_class(path)
    if issubclass(cls, boosters.Boosted):
        return cls(parameters)
    if "random_state" in (estimator_parameters(path) or ()):
        parameters = {"random_state": SEED} | parameters
    estimator = cls(**parameters)
    return CalibratedClassifierCV(estimator, ensemble=False) if calibrated else estimator
