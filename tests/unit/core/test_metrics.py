"""Every metric equals scikit-learn's, and one that is not defined is left out."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from rookery.core.metrics import (
    BINARY,
    DIRECTIONS,
    METRICS,
    TIE_BREAKERS,
    classification_metrics,
    evaluate,
    probabilities,
    regression_metrics,
)

LABELS = ("p", "q", "r")


def drawn(labels, rows=200, seed=0):
    """True classes, guesses and probabilities, with every class among the true ones."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.resize(np.array(labels, dtype=object), rows))
    scores = rng.dirichlet(np.ones(len(labels)), rows)
    return truth, np.array(labels, dtype=object)[scores.argmax(axis=1)], scores


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_three_classes_equal_those_of_scikit_learn(seed):
    truth, guess, scores = drawn(LABELS, seed=seed)
    expected = {
        "accuracy": sk.accuracy_score(truth, guess),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, guess),
        "f1_macro": sk.f1_score(truth, guess, average="macro"),
        "precision_macro": sk.precision_score(truth, guess, average="macro"),
        "recall_macro": sk.recall_score(truth, guess, average="macro"),
        "roc_auc": sk.roc_auc_score(truth, scores, multi_class="ovr", labels=LABELS),
        "log_loss": sk.log_loss(truth, scores, labels=LABELS),
    }
    assert set(expected) == set(METRICS["classifier"])
    assert classification_metrics(truth, guess, scores, LABELS) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [("n", "y"), (False, True)])
def test_metrics_of_two_classes_equal_those_of_scikit_learn(labels):
    truth, guess, scores = drawn(labels)
    truth, guess = np.array(truth.tolist()), np.array(guess.tolist())
    found = classification_metrics(truth, guess, scores, labels)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, scores[:, 1]))
    assert found["log_loss"] == pytest.approx(sk.log_loss(truth, scores))
    assert found["accuracy"] == sk.accuracy_score(truth, guess)
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(truth, guess))
    second = truth == labels[1]
    assert set(BINARY) <= set(found)
    assert found["average_precision"] == pytest.approx(
        sk.average_precision_score(second, scores[:, 1])
    )
    assert found["brier_score"] == pytest.approx(sk.brier_score_loss(second, scores[:, 1]))
    for name in ("f1", "precision", "recall"):
        scorer = getattr(sk, f"{name}_score")
        assert found[name] == pytest.approx(scorer(truth, guess, pos_label=labels[1]))


def test_mape_is_left_out_where_a_true_value_is_zero():
    assert "mape" not in regression_metrics(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    assert regression_metrics(np.array([1.0, 2.0]), np.array([2.0, 2.0]))["mape"] == 0.5


def test_a_certain_and_wrong_guess_costs_a_finite_log_loss():
    scores = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = classification_metrics(["q", "q"], ["p", "q"], scores, ("p", "q"))
    assert found["log_loss"] == pytest.approx(sk.log_loss(["q", "q"], scores, labels=["p", "q"]))


def test_rows_of_one_class_have_no_roc_auc():
    scores = np.array([[0.9, 0.1], [0.8, 0.2]])
    found = classification_metrics(["p", "p"], ["p", "p"], scores, ("p", "q"))
    assert "roc_auc" not in found
    assert found["accuracy"] == found["balanced_accuracy"] == 1.0


def test_a_class_that_does_not_occur_is_left_out_of_roc_auc_and_balanced_accuracy():
    truth, guess, scores = drawn(LABELS)
    kept = truth != "r"
    found = classification_metrics(truth[kept], guess[kept], scores[kept], LABELS)
    sides = [
        sk.roc_auc_score(truth[kept] == label, scores[kept, i])
        for i, label in enumerate(LABELS[:2])
    ]
    assert found["roc_auc"] == pytest.approx(np.mean(sides))
    recalls = [(guess[truth == label] == label).mean() for label in LABELS[:2]]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))


def test_probabilities_come_in_the_order_of_the_task_with_0_for_a_class_never_seen():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression().fit(X, ["p", "p", "r", "r"])
    found = probabilities(model, X, ("r", "q", "p"))
    np.testing.assert_array_equal(found[:, 1], 0.0)
    np.testing.assert_array_equal(found[:, [2, 0]], model.predict_proba(X))


def test_a_model_without_probabilities_has_the_metrics_that_need_none(clean_penguins):
    X, y = clean_penguins[["body_mass_g"]], clean_penguins["species"]
    found = evaluate(LinearSVC().fit(X, y), X, y, ("Adelie", "Chinstrap", "Gentoo"))
    assert set(METRICS["classifier"]) - set(found) == {"roc_auc", "log_loss"}


def test_a_model_that_knows_nothing_scores_the_share_of_the_largest_class(clean_penguins):
    X, y = clean_penguins[["body_mass_g"]], clean_penguins["species"]
    found = evaluate(DummyClassifier().fit(X, y), X, y, ("Adelie", "Chinstrap", "Gentoo"))
    assert found["accuracy"] == (y == "Adelie").mean()
    assert found["balanced_accuracy"] == pytest.approx(1 / 3)
    assert found["roc_auc"] == 0.5


def test_metrics_of_a_regressor_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.normal(100, 20, 50)
    guess = truth + rng.normal(0, 3, 50)
    expected = {
        "rmse": np.sqrt(np.mean((truth - guess) ** 2)),
        "mae": np.mean(np.abs(truth - guess)),
        "median_absolute_error": np.median(np.abs(truth - guess)),
        "mape": np.mean(np.abs(truth - guess) / truth),
        "r2": sk.r2_score(truth, guess),
    }
    assert set(expected) == set(METRICS["regressor"])
    assert regression_metrics(truth, guess) == pytest.approx(expected)


def test_one_row_has_no_r2():
    assert "r2" not in regression_metrics(np.array([1.0]), np.array([2.0]))


def test_an_integer_target_is_measured_as_a_number():
    class Constant:
        def predict(self, X):
            return np.full(len(X), 2.5)

    y = pd.Series([2, 3, 4])
    assert evaluate(Constant(), pd.DataFrame({"a": y}), y, ())["mae"] == pytest.approx(2.5 / 3)


def test_each_metric_has_a_direction_and_each_kind_a_tie_breaker():
    assert set(DIRECTIONS) == {*BINARY, *(name for names in METRICS.values() for name in names)}
    assert {name for name, way in DIRECTIONS.items() if way == "maximize"} == {
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "roc_auc",
        "r2",
        "average_precision",
        "f1",
        "precision",
        "recall",
    }
    assert all(TIE_BREAKERS[kind] in METRICS[kind] for kind in METRICS)
