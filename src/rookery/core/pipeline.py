"""A scikit-learn Pipeline that takes raw columns: features, encoding and estimator together."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from rookery.core.derived import DerivedFeatures
from rookery.core.task import Task


def build_pipeline(task: Task, estimator: BaseEstimator) -> Pipeline:
    """An unfitted pipeline for a frame of `task.inputs`.

    Numbers are scaled (and imputed by the median where they may be missing); categories are
    one-hot over the values that the task lists, and a missing or unknown one is all zeros. With
    `target_transform: log` the estimator learns the logarithm of the target.
    """
    steps: list[tuple[str, BaseEstimator]] = []
    if task.features:
        specs = {
            name: spec.model_dump(mode="python", exclude_none=True)
            for name, spec in task.features.items()
        }
        steps.append(("derive", DerivedFeatures(_lists(specs))))
    steps.append(("encode", _encoder(task)))
    if task.target_transform:
        estimator = TransformedTargetRegressor(estimator, func=np.log, inverse_func=np.exp)
    steps.append(("estimator", estimator))
    return Pipeline(steps)


def _encoder(task: Task) -> ColumnTransformer:
    categories = [name for name in task.features_used if task.columns[name].type == "category"]
    numbers = [name for name in task.features_used if name not in categories]
    whole = [name for name in numbers if task.columns[name].required]
    gappy = [name for name in numbers if name not in whole] + list(task.features)
    parts: list[tuple[str, BaseEstimator, list[str]]] = []
    if whole:
        parts.append(("numbers", StandardScaler(), whole))
    if gappy:
        imputed = Pipeline(
            [
                ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
                ("scale", StandardScaler()),
            ]
        )
        parts.append(("imputed", imputed, gappy))
    if categories:
        values = [list(task.columns[name].values or ()) for name in categories]
        one_hot = OneHotEncoder(categories=values, handle_unknown="ignore", sparse_output=False)
        parts.append(("categories", one_hot, categories))
    return ColumnTransformer(parts, verbose_feature_names_out=False)


def _lists(value: Any) -> Any:
    """Tuples as lists, so that what is stored with the model is what JSON would hold."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple | list) else value
