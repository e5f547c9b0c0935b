"""The loop that everybody writes: one process, a run per candidate, each thing logged by itself.

Nothing in it is slowed down on purpose: it is plain scikit-learn and plain MLflow calls, as in
their guides, against a server with default settings. Models are stored with cloudpickle, because
the default format refuses trees and forests unless their inner types are named.
"""

import argparse
import time
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from measuring import tell, timed
from mlflow.data.pandas_dataset import from_pandas
from mlflow.models import infer_signature
from sklearn import metrics as sk
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

NAME = "penguins"
TARGET = "species"
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
CATEGORIES = ["island", "sex"]
SEED = 42
SCORING = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "f1_macro": "f1_macro",
    "precision_macro": "precision_macro",
    "recall_macro": "recall_macro",
    "roc_auc": "roc_auc_ovr",
    "log_loss": "neg_log_loss",
}


def calibrated_svc(**parameters: Any) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(SVC(**parameters), ensemble=False)


CANDIDATES: list[tuple[str, Any, dict[str, Any]]] = [
    *[("logistic_regression", LogisticRegression, {"C": c, "max_iter": 5000})
      for c in (0.1, 1.0, 10.0)],
    *[("random_forest", RandomForestClassifier,
       {"n_estimators": trees, "max_depth": depth, "random_state": SEED})
      for trees, depth in ((50, 5), (100, 10), (200, None))],
    *[("gradient_boosting", GradientBoostingClassifier,
       {"n_estimators": trees, "learning_rate": rate, "max_depth": depth, "random_state": SEED})
      for trees, rate, depth in ((50, 0.1, 3), (100, 0.05, 3), (150, 0.01, 4))],
    *[("adaboost", AdaBoostClassifier,
       {"n_estimators": trees, "learning_rate": rate, "random_state": SEED})
      for trees, rate in ((50, 0.5), (100, 1.0), (150, 1.5))],
    *[("svc", calibrated_svc, {"kernel": kernel, "C": c, "random_state": SEED})
      for kernel, c in (("linear", 0.1), ("rbf", 1.0), ("poly", 10.0))],
    *[("knn", KNeighborsClassifier, {"n_neighbors": count, "weights": weights})
      for count, weights in ((3, "uniform"), (5, "distance"), (7, "uniform"))],
    *[("decision_tree", DecisionTreeClassifier,
       {"max_depth": depth, "min_samples_split": least, "random_state": SEED})
      for depth, least in ((3, 2), (5, 4), (None, 2))],
]  # fmt: skip


def build(estimator: Any) -> Pipeline:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((StandardScaler(), NUMBERS), (encoder, CATEGORIES)), estimator
    )


def holdout_metrics(model: Pipeline, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    y_pred, scores = model.predict(X), model.predict_proba(X)
    averaged = {"average": "macro", "zero_division": 0}
    return {
        "holdout_accuracy": sk.accuracy_score(y, y_pred),
        "holdout_balanced_accuracy": sk.balanced_accuracy_score(y, y_pred),
        "holdout_f1_macro": sk.f1_score(y, y_pred, **averaged),
        "holdout_precision_macro": sk.precision_score(y, y_pred, **averaged),
        "holdout_recall_macro": sk.recall_score(y, y_pred, **averaged),
        "holdout_roc_auc": sk.roc_auc_score(y, scores, multi_class="ovr"),
        "holdout_log_loss": sk.log_loss(y, scores, labels=model.classes_),
    }


def fold_metrics(model: Pipeline, X: pd.DataFrame, y: pd.Series, folds: int) -> dict[str, float]:
    splitter = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    scores = cross_validate(model, X, y, cv=splitter, scoring=SCORING)
    found = {name: np.abs(scores[f"test_{name}"]) for name in SCORING}
    means = {f"cv_{name}": float(values.mean()) for name, values in found.items()}
    return means | {f"cv_{name}_std": float(values.std()) for name, values in found.items()}


def run_candidate(
    name: str, family: str, model: Pipeline, parameters: dict[str, Any],
    train: pd.DataFrame, holdout: pd.DataFrame, folds: int,
) -> None:  # fmt: skip
    columns = [*NUMBERS, *CATEGORIES]
    X, y = train[columns], train[TARGET]
    with mlflow.start_run(run_name=name):
        mlflow.set_tag("family", family)
        for key, value in parameters.items():
            mlflow.log_param(key, value)
        mlflow.log_input(from_pandas(train, name=NAME, targets=TARGET), "training")
        scores = fold_metrics(model, X, y, folds) if folds else {}
        started = time.perf_counter()
        model.fit(X, y)
        mlflow.log_metric("fit_seconds", time.perf_counter() - started)
        scores |= holdout_metrics(model, holdout[columns], holdout[TARGET])
        for key, value in scores.items():
            mlflow.log_metric(key, value)
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(X, model.predict(X)),
            input_example=X.head(3),
            serialization_format="cloudpickle",
        )
        mlflow.register_model(logged.model_uri, NAME)


def run_all(given: argparse.Namespace) -> int:
    mlflow.set_tracking_uri(given.tracking_uri)
    mlflow.set_experiment(given.experiment)
    train, holdout = pd.read_parquet(given.train), pd.read_parquet(given.holdout)
    chosen = [item for item in CANDIDATES if not given.families or item[0] in given.families]
    for position, (family, estimator, parameters) in enumerate(chosen):
        model = build(estimator(**parameters))
        name = f"{family}-{position % 3 + 1}"
        run_candidate(name, family, model, parameters, train, holdout, given.folds)
    return len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--train", required=True, help="Parquet file of training rows")
    parser.add_argument("--holdout", required=True, help="Parquet file of hold-out rows")
    parser.add_argument("--folds", type=int, default=0, help="0: no cross-validation")
    parser.add_argument("--families", nargs="*", help="only these")
    given = parser.parse_args()
    done = timed(lambda: run_all(given))
    tell(done, candidates=done.result)


if __name__ == "__main__":
    main()
