"""Every family can be built, fitted and asked, for each kind it says it supports."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_regression
from sklearn.svm import SVC

from rookery.core.families import (
    FAMILIES,
    SEED,
    build_estimator,
    estimator_class,
    estimator_parameters,
    kind_of,
    simplicity,
)

CASES = [
    (name, kind)
    for name, family in FAMILIES.items()
    for kind in ("classifier", "regressor")
    if family.supports(kind)
]
QUICK = {"max_iter": 20} | dict.fromkeys(("n_estimators",), 5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("name", "kind"), CASES, ids=lambda value: value)
def test_a_family_fits_and_answers(name, kind):
    family = FAMILIES[name]
    quick = {key: QUICK[key] for key in family.parameters(kind) if key in QUICK}
    calibrated = family.calibrated and kind == "classifier"
    estimator = build_estimator(family.path(kind), quick, calibrated=calibrated)
    make = make_classification if kind == "classifier" else make_regression
    X, y = make(60, 5, random_state=0)
    estimator.fit(X, y)
    assert kind_of(family.path(kind)) == kind
    assert len(estimator.predict(X)) == 60
    if kind == "classifier":
        np.testing.assert_allclose(estimator.predict_proba(X).sum(axis=1), 1.0)


def test_each_kind_has_families():
    assert {kind for _, kind in CASES} == {"classifier", "regressor"}
    assert all(family.classifier or family.regressor for family in FAMILIES.values())


def test_what_takes_a_seed_is_seeded_unless_the_task_gives_one():
    path = "sklearn.tree.DecisionTreeClassifier"
    assert build_estimator(path, {}, calibrated=False).random_state == SEED
    assert build_estimator(path, {"random_state": 7}, calibrated=False).random_state == 7
    neighbours = build_estimator("sklearn.neighbors.KNeighborsClassifier", {}, calibrated=False)
    assert "random_state" not in neighbours.get_params()


def test_svc_is_calibrated_on_one_estimator_refitted_on_all_rows():
    built = build_estimator("sklearn.svm.SVC", {"C": 3.0}, calibrated=True)
    assert isinstance(built, CalibratedClassifierCV)
    assert built.ensemble is False
    assert isinstance(built.estimator, SVC)
    assert (built.estimator.C, built.estimator.probability) == (3.0, SVC().probability)


@pytest.mark.parametrize(
    "path",
    [
        "sklearn.tree.Oak",
        "sklearn.nowhere.Oak",
        "sklearn.preprocessing.StandardScaler",
        "sklearn.metrics.accuracy_score",
        "sklearn",
        "os.path",
        "subprocess.Popen",
        "sklearn..tree",
        "sklearn.tree; import os",
        "",
    ],
)
def test_what_is_no_estimator_of_scikit_learn_is_refused(path):
    with pytest.raises(ValueError, match="scikit-learn has no classifier or regressor"):
        estimator_class(path)


def test_an_estimator_that_is_made_of_others_is_refused():
    with pytest.raises(ValueError, match="made of other estimators"):
        estimator_parameters("sklearn.ensemble.StackingClassifier")


def test_linear_models_are_simpler_than_trees_and_those_than_ensembles():
    order = [
        "logistic_regression",
        "decision_tree",
        "knn",
        "svc",
        "adaboost",
        "random_forest",
        "gradient_boosting",
        "a_family_of_ones_own",
    ]
    ranks = [simplicity(name) for name in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
