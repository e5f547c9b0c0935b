"""LightGBM and XGBoost behind scikit-learn's interface, kept as text that is checked when read.

Their own estimators cannot be stored safely: the libraries follow the indices of a model file in
C, as they find them. Here a fitted model is the library's text form. It is read into lists, every
index held against its bounds, before the library sees it, and nothing else reaches the library
from a file. The libraries are extras and are imported when a model is fitted or asked.
"""

import importlib
from functools import cache
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from rookery.core import lightgbm_text, xgboost_text
from rookery.errors import InputError

# what a task file cannot say or would not be kept
UNAVAILABLE = frozenset(
    {"booster", "callbacks", "device", "early_stopping_rounds", "enable_categorical"}
    | {"eval_metric", "feature_types", "feature_weights", "importance_type", "kwargs", "missing"}
)
STATE = frozenset(
    {"parameters", "classes_", "outputs_", "model_", "n_features_in_", "feature_names_in_"}
    | {"_sklearn_version"}
)
# one thread: candidates are fitted beside each other, and an answer is a few rows
SHARED = {"n_jobs": 1, "random_state": 42}


@cache
def library(name: str) -> Any:
    """The module of a library that is an extra.

    Raises:
        InputError: it is not installed, or cannot be loaded here; naming the extra.
    """
    try:
        return importlib.import_module(name)
    # without OpenMP, or built for another system
    except (ImportError, OSError) as error:
        missing = isinstance(error, ModuleNotFoundError)
        raise InputError(
            f"{name} {'is not installed' if missing else f'cannot be loaded: {error}'}",
            field="extra",
            value=name,
            allowed=f"an environment with the extra {name!r}",
            next=f".venv/bin/pip install --editable '.[{name}]'",
        ) from error


class Boosted(BaseEstimator):  # type: ignore[misc]
    """One model of another library: its `parameters` by their own names, its trees as text.

    Input: a dense matrix of numbers, NaN for missing; float64.
    """

    library = ""

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        self.parameters = parameters

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_booster"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes no attribute but its own: another could stand in the place of a method.

        Raises:
            ValueError: there is one, or the model is not sound.
        """
        strange = set(state) - STATE
        model = state.get("model_", b"")
        if strange or not isinstance(model, bytes):
            raise ValueError(f"not the state of a booster: {sorted(strange) or type(model)}")
        super().__setstate__(state)
        if model:
            self._take(model)

    def _fitted(self, X: Any, y: Any, outputs: int) -> Self:
        """Fits to float targets or class numbers; `outputs` is what a row of scores holds."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        self.outputs_ = outputs
        self._take(self._train(X, y))
        return self

    def _take(self, model: bytes) -> None:
        """Keeps a model and its live form, both made of what was checked."""
        self.model_ = self._checked(model)
        self._booster = self._loaded(self.model_)

    def _raw(self, X: Any) -> Any:
        """Predictions as the library gives them, (rows,) or (rows, outputs)."""
        check_is_fitted(self, "model_")
        # the library trusts us with the width of a row
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        return self._asked(self._booster, X)

    def _train(self, X: Any, y: Any) -> bytes:
        raise NotImplementedError

    def _checked(self, model: bytes) -> bytes:
        raise NotImplementedError

    def _loaded(self, model: bytes) -> Any:
        raise NotImplementedError

    def _asked(self, booster: Any, X: Any) -> Any:
        raise NotImplementedError


class _Classifier(ClassifierMixin, Boosted):  # type: ignore[misc]
    def fit(self, X: Any, y: Any) -> Self:
        check_classification_targets(y)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"there is one class only, {self.classes_[0]!r}")
        return self._fitted(X, codes, 1 if len(self.classes_) == 2 else len(self.classes_))

    def predict_proba(self, X: Any) -> Any:
        """Shape (rows, classes), in the order of `classes_`."""
        found = np.asarray(self._raw(X), dtype=np.float64)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class _Regressor(RegressorMixin, Boosted):  # type: ignore[misc]
    def fit(self, X: Any, y: Any) -> Self:
        return self._fitted(X, np.asarray(y, dtype=np.float64), 1)

    def predict(self, X: Any) -> Any:
        return np.asarray(self._raw(X), dtype=np.float64)


class _LightGBM(Boosted):
    library = "lightgbm"

    def _train(self, X: Any, y: Any) -> bytes:
        lightgbm = library(self.library)
        cls = lightgbm.LGBMClassifier if hasattr(self, "classes_") else lightgbm.LGBMRegressor
        given = SHARED | {"verbosity": -1} | (self.parameters or {})
        return self._checked(cls(**given).fit(X, y).booster_.model_to_string().encode())

    def _checked(self, model: bytes) -> bytes:
        text, features = model.decode("ascii"), self.n_features_in_
        return lightgbm_text.checked(text, features=features, outputs=self.outputs_).encode()

    def _loaded(self, model: bytes) -> Any:
        return library(self.library).Booster(model_str=model.decode("ascii"))

    def _asked(self, booster: Any, X: Any) -> Any:
        return booster.predict(X, num_threads=1)


class _XGBoost(Boosted):
    library = "xgboost"

    def _train(self, X: Any, y: Any) -> bytes:
        xgboost = library(self.library)
        cls = xgboost.XGBClassifier if hasattr(self, "classes_") else xgboost.XGBRegressor
        given = SHARED | {"verbosity": 0} | (self.parameters or {})
        return self._checked(bytes(cls(**given).fit(X, y).get_booster().save_raw("json")))

    def _checked(self, model: bytes) -> bytes:
        return xgboost_text.checked(model, features=self.n_features_in_, outputs=self.outputs_)

    def _loaded(self, model: bytes) -> Any:
        booster = library(self.library).Booster({"nthread": 1, "verbosity": 0})
        booster.load_model(bytearray(model))
        return booster

    def _asked(self, booster: Any, X: Any) -> Any:
        return booster.inplace_predict(X, missing=np.nan)


class LightGBMClassifier(_LightGBM, _Classifier):
    """LightGBM's `LGBMClassifier`."""


class LightGBMRegressor(_LightGBM, _Regressor):
    """LightGBM's `LGBMRegressor`."""


class XGBoostClassifier(_XGBoost, _Classifier):
    """XGBoost's `XGBClassifier`."""


class XGBoostRegressor(_XGBoost, _Regressor):
    """XGBoost's `XGBRegressor`."""


WRAPPED = {
    "LightGBMClassifier": "LGBMClassifier",
    "LightGBMRegressor": "LGBMRegressor",
    "XGBoostClassifier": "XGBClassifier",
    "XGBoostRegressor": "XGBRegressor",
}


def booster_parameters(cls: type[Boosted]) -> tuple[str, ...] | None:
    """The names that the library's own estimator takes; None where it is not installed."""
    try:
        wrapped = getattr(library(cls.library), WRAPPED[cls.__name__])
    except InputError:
        return None
    return tuple(sorted(set(wrapped().get_params()) - UNAVAILABLE))
