"""The 21 candidates of the penguins, how each is fitted, and which is the best."""

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from rookery.core.budget import Budget, Skipped
from rookery.core.candidates import (
    Candidate,
    expand,
    fit_candidate,
    folds,
    ranking_key,
    sample,
)
from rookery.core.holdout import split
from rookery.core.metrics import METRICS

EXPECTED = {
    "logistic_regression": [{"C": C, "max_iter": 5000} for C in (0.1, 1.0, 10.0)],
    "random_forest": [
        {"n_estimators": n, "max_depth": depth, "random_state": 42}
        for n, depth in ((50, 5), (100, 10), (200, None))
    ],
    "gradient_boosting": [
        {"n_estimators": n, "learning_rate": rate, "max_depth": depth, "random_state": 42}
        for n, rate, depth in ((50, 0.1, 3), (100, 0.05, 3), (150, 0.01, 4))
    ],
    "adaboost": [
        {"n_estimators": n, "learning_rate": rate, "random_state": 42}
        for n, rate in ((50, 0.5), (100, 1.0), (150, 1.5))
    ],
    "svc": [
        {"kernel": kernel, "C": C, "random_state": 42}
        for kernel, C in (("linear", 0.1), ("rbf", 1.0), ("poly", 10.0))
    ],
    "knn": [
        {"n_neighbors": n, "weights": weights}
        for n, weights in ((3, "uniform"), (5, "distance"), (7, "uniform"))
    ],
    "decision_tree": [
        {"max_depth": depth, "min_samples_split": least, "random_state": 42}
        for depth, least in ((3, 2), (5, 4), (None, 2))
    ],
}
QUICK = ["logistic_regression-2", "decision_tree-1", "knn-2", "svc-2", "random_forest-1"]


@pytest.fixture(scope="module")
def halves(clean_penguins, penguins):
    return split(clean_penguins, penguins)


@pytest.fixture(scope="module")
def candidates(penguins):
    return dict(expand(penguins))


def fitted(candidate, task, halves, **options):
    return fit_candidate(candidate, task, *halves, **({"cross_validate": False} | options))


def test_the_penguins_have_the_21_usual_candidates(candidates):
    assert len(candidates) == 21
    assert list(candidates) == [f"{family}-{n}" for family in EXPECTED for n in (1, 2, 3)]
    for family, sets in EXPECTED.items():
        for n, parameters in enumerate(sets, start=1):
            candidate = candidates[f"{family}-{n}"]
            bare = candidate.estimator
            if family == "svc":
                assert isinstance(bare, CalibratedClassifierCV)
                bare = bare.estimator
            assert candidate.parameters == candidate.described() == parameters
            assert {key: bare.get_params()[key] for key in parameters} == parameters


@pytest.mark.parametrize("name", QUICK)
def test_two_fits_of_a_candidate_give_equal_metrics(name, candidates, penguins, halves):
    first, second = (fitted(candidates[name], penguins, halves) for _ in range(2))
    assert first.metrics == second.metrics
    assert set(first.metrics) == {f"holdout_{metric}" for metric in METRICS["classifier"]}
    assert first.metrics["holdout_accuracy"] > 0.95
    assert first.rows == len(halves[0])
    assert first.fit_seconds > 0


def test_fits_in_parallel_give_the_metrics_of_one_after_another(candidates, penguins, halves):
    def alone(name):
        return fitted(
            candidates[name], penguins, halves, cross_validate=name == "decision_tree-1"
        ).metrics

    jobs = [delayed(alone)(name) for name in QUICK[:4]]
    assert Parallel(n_jobs=2, backend="threading")(jobs) == Parallel(n_jobs=1)(jobs)


def test_cross_validation_is_the_mean_and_spread_over_seeded_stratified_folds(
    candidates, penguins, halves
):
    train, _ = halves
    candidate = candidates["decision_tree-1"]
    scored = fitted(candidate, penguins, halves, cross_validate=True)
    by_hand = []
    folded = StratifiedKFold(5, shuffle=True, random_state=42)
    for rows, others in folded.split(train, train["species"]):
        model = candidate.pipeline(penguins).fit(
            train.iloc[rows][penguins.inputs], train.iloc[rows]["species"]
        )
        guess = model.predict(train.iloc[others][penguins.inputs])
        by_hand.append((guess == train.iloc[others]["species"]).mean())
    assert scored.metrics["cv_accuracy"] == pytest.approx(np.mean(by_hand))
    assert scored.metrics["cv_accuracy_std"] == pytest.approx(np.std(by_hand))
    names = {f"cv_{name}{end}" for name in METRICS["classifier"] for end in ("", "_std")}
    assert names <= set(scored.metrics)


@pytest.mark.parametrize(
    ("counts", "cls", "number"),
    [((50, 50), StratifiedKFold, 5), ((50, 3), StratifiedKFold, 3), ((50, 1), KFold, 2)],
)
def test_there_are_no_more_folds_than_rows_of_the_smallest_class(make_task, counts, cls, number):
    task = make_task({"a": {"type": "float"}})
    y = pd.Series(np.repeat(["p", "q"], counts))
    expected = list(cls(number, shuffle=True, random_state=42).split(np.zeros(len(y)), y))
    for (train, test), (also_train, also_test) in zip(folds(task, y), expected, strict=True):
        np.testing.assert_array_equal(train, also_train)
        np.testing.assert_array_equal(test, also_test)


@pytest.mark.parametrize("most", [2, 3, 50, 331, 332])
def test_a_sample_keeps_the_shares_of_the_classes_and_the_order_of_the_rows(
    clean_penguins, penguins, most
):
    drawn = sample(clean_penguins, penguins, most)
    assert len(drawn) == most
    assert drawn.index.is_monotonic_increasing
    shares = clean_penguins["species"].value_counts(normalize=True)
    counts = drawn["species"].value_counts().reindex(shares.index, fill_value=0)
    assert (counts - shares * most).abs().max() < 1
    pd.testing.assert_frame_equal(drawn, sample(clean_penguins, penguins, most))


@pytest.mark.parametrize("most", [None, 333, 1000])
def test_few_rows_are_not_sampled(clean_penguins, penguins, most):
    assert sample(clean_penguins, penguins, most) is clean_penguins


def test_a_candidate_with_a_row_limit_is_fitted_on_so_many(penguins, halves):
    candidate = Candidate("small", DecisionTreeClassifier(), max_rows=60)
    assert fitted(candidate, penguins, halves).rows == 60


class Watched(Budget):
    """A budget that writes down what it was asked for."""

    def spend(self, needed: float = 0.0) -> None:
        self.__dict__.setdefault("asked", []).append(needed)
        super().spend(needed)


def test_before_each_fold_a_budget_is_asked_for_all_that_is_left_to_do(penguins, halves):
    candidate, watched = Candidate("tree", DecisionTreeClassifier(random_state=1)), Watched.of(1e6)
    found = fit_candidate(candidate, penguins, *halves, cross_validate=True, budget=watched)
    start, *later = watched.asked
    assert start == 0
    assert len(later) == penguins.split.folds - 1
    assert all(needed > 0 for needed in later)
    assert found.metrics == fitted(candidate, penguins, halves, cross_validate=True).metrics


def test_what_a_budget_does_not_suffice_for_is_skipped_with_the_reason(penguins, halves):
    candidate = Candidate("tree", DecisionTreeClassifier())
    with pytest.raises(Skipped, match="the time budget of 0 s was over"):
        fit_candidate(candidate, penguins, *halves, cross_validate=False, budget=Budget.of(0))
    with pytest.raises(Skipped, match=r"would take 5e\+06 s more, .* budget of 1000 s"):
        Budget.of(1000).spend(5e6)


def test_row_limits_of_the_task_reach_the_candidates(candidates):
    limits = {name.rsplit("-", 1)[0]: c.max_rows for name, c in candidates.items() if c.max_rows}
    assert limits == {"svc": 20_000, "knn": 100_000}


def test_candidates_of_ones_own_are_named_after_those_of_the_task(penguins):
    extra = [
        Candidate("my_forest", RandomForestClassifier(max_depth=7)),
        Candidate("random_forest", RandomForestClassifier()),
    ]
    names = [name for name, _ in expand(penguins, extra)]
    assert names[-2:] == ["my_forest-1", "random_forest-4"]


@pytest.mark.parametrize(
    ("estimator", "described"),
    [
        (RandomForestClassifier(max_depth=7), {"max_depth": 7}),
        (RandomForestClassifier(), {}),
        (make_pipeline(SimpleImputer(), memory=None), ["steps"]),
        (StackingClassifier([("one", LogisticRegression())]), ["estimators"]),
    ],
)
def test_an_estimator_of_ones_own_is_described_by_what_differs_from_the_default(
    estimator, described
):
    found = Candidate("mine", estimator).described()
    assert (list(found) if isinstance(described, list) else found) == described


def test_a_pipeline_of_ones_own_gets_the_raw_columns_as_it_is(penguins, halves):
    class Seen(LogisticRegression):
        def fit(self, X, y):
            self.columns_ = list(X.columns)
            return super().fit(X[["body_mass_g"]], y)

        def predict(self, X):
            return super().predict(X[["body_mass_g"]])

        def predict_proba(self, X):
            return super().predict_proba(X[["body_mass_g"]])

    own = Pipeline([("seen", Seen(max_iter=1000))])
    scored = fitted(Candidate("mine", own), penguins, halves)
    assert scored.pipeline.named_steps["seen"].columns_ == penguins.inputs
    assert not hasattr(own.named_steps["seen"], "columns_"), "the user's own object is not fitted"


def test_a_number_is_learnt_from_end_to_end(clean_penguins, make_task):
    columns = {
        "bill_length_mm": {"type": "float", "required": True},
        "flipper_length_mm": {"type": "float", "required": True},
        "species": {"type": "category", "values": ["Adelie", "Chinstrap", "Gentoo"]},
    }
    rows = clean_penguins[list(columns)].assign(y=clean_penguins["body_mass_g"])
    task = make_task(
        columns,
        y={"type": "float", "unit": "g", "required": True},
        metric="rmse",
        candidates={
            "linear_regression": {},
            "ridge": {"sets": [{"alpha": 1.0}]},
            "svr": {"max_rows": 100},
        },
    )
    halves = split(rows, task)
    scored = {name: fitted(c, task, halves, cross_validate=True) for name, c in expand(task)}
    assert list(scored) == ["linear_regression-1", "ridge-1", "svr-1"]
    assert scored["svr-1"].rows == 100
    metrics = scored["linear_regression-1"].metrics
    train, test = (pd.get_dummies(half, columns=["species"]) for half in halves)
    by_hand = LinearRegression().fit(train.drop(columns="y"), train["y"])
    errors = test["y"] - by_hand.predict(test.drop(columns="y"))
    assert metrics["holdout_rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert {f"cv_{name}" for name in METRICS["regressor"]} <= set(metrics)
    best = min(
        scored, key=lambda name: ranking_key(task, name.rsplit("-", 1)[0], 0, scored[name].metrics)
    )
    assert scored[best].metrics["cv_rmse"] == min(s.metrics["cv_rmse"] for s in scored.values())


RANKED = [
    # best first: (family, metrics)
    (
        "the higher mean wins, whatever the hold-out says",
        [
            ("knn", {"cv_accuracy": 0.99, "cv_log_loss": 0.9, "holdout_accuracy": 0.9}),
            (
                "logistic_regression",
                {"cv_accuracy": 0.98, "cv_log_loss": 0.1, "holdout_accuracy": 1},
            ),
        ],
    ),
    (
        "equal means are decided by log loss",
        [
            ("random_forest", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
            ("logistic_regression", {"cv_accuracy": 0.99, "cv_log_loss": 0.2}),
        ],
    ),
    (
        "then by the simpler family",
        [
            ("logistic_regression", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
            ("decision_tree", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
            ("random_forest", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
        ],
    ),
    (
        "then by the place in the task",
        [
            ("knn", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
            ("knn", {"cv_accuracy": 0.99, "cv_log_loss": 0.1}),
        ],
    ),
    (
        "a sum in another order decides nothing",
        [
            ("knn", {"cv_accuracy": 0.3, "cv_log_loss": 0.1}),
            ("random_forest", {"cv_accuracy": 0.1 + 0.2, "cv_log_loss": 0.1}),
        ],
    ),
    (
        "without cross-validation the hold-out stands in",
        [
            ("knn", {"holdout_accuracy": 0.99}),
            ("logistic_regression", {"holdout_accuracy": 0.98}),
        ],
    ),
    (
        "what has no log loss comes after what has one",
        [
            ("random_forest", {"cv_accuracy": 0.99, "cv_log_loss": 5.0}),
            ("ridge", {"cv_accuracy": 0.99}),
        ],
    ),
    (
        "what could not be measured comes last",
        [
            ("random_forest", {"cv_accuracy": 0.1, "cv_log_loss": 9.0}),
            ("knn", {"cv_accuracy": float("nan"), "cv_log_loss": 0.1}),
            ("logistic_regression", {}),
        ],
    ),
]


@pytest.mark.parametrize("listed", [case for _, case in RANKED], ids=[name for name, _ in RANKED])
def test_candidates_are_ranked(penguins, listed):
    keys = [ranking_key(penguins, family, n, metrics) for n, (family, metrics) in enumerate(listed)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_a_metric_to_minimize_ranks_the_smallest_first(make_task):
    task = make_task(
        {"a": {"type": "float"}},
        y={"type": "float", "required": True},
        metric="rmse",
        candidates={"ridge": {}},
    )
    keys = [ranking_key(task, "ridge", 0, {"cv_rmse": rmse, "cv_mae": 1.0}) for rmse in (2.0, 3.0)]
    assert keys == sorted(keys)
