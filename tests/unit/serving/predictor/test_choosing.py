"""Every family is served by its path, and says what its pipeline says of every row."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from rookery.core.families import FAMILIES, build_estimator
from rookery.core.records import RecordField
from rookery.serving.predictor import artifact
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.leaves import Masks, Walk
from rookery.serving.predictor.pipeline import PipelinePredictor
from rookery.serving.predictor.trees import Trees

NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
PATHS = dict.fromkeys(("linear_regression", "logistic_regression", "ridge"), "linear")
PATHS |= dict.fromkeys(("gaussian_nb", "knn", "svc", "svr", "lightgbm", "xgboost"), "estimator")
CLASSIFIERS = [name for name, family in FAMILIES.items() if family.classifier]
REGRESSORS = [name for name, family in FAMILIES.items() if family.regressor]


def built(name, kind, **parameters):
    family = FAMILIES[name]
    quick = {"n_estimators": 12, "max_iter": 300} | parameters
    known = {key: value for key, value in quick.items() if key in (family.parameters(kind) or ())}
    calibrated = family.calibrated and kind == "classifier"
    return build_estimator(family.path(kind), known, calibrated=calibrated)


def encoded(estimator):
    """Gaps filled, categories one-hot, and one of each reachable by rows with gaps."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    steps = [("numbers", numbers, NUMBERS), ("words", words, ["island", "sex"])]
    return Pipeline([("encode", ColumnTransformer(steps)), ("estimator", estimator)])


def assert_same(found, pipeline, fields, rows, path):
    """All rows at once, some alone, and after a way through files."""
    plain = PipelinePredictor(pipeline, fields)
    expected = plain.predict(rows)
    assert (found.path, found.classes) == (path, plain.classes), found.why
    answers = [found.predict(rows)]
    dumped = artifact.dump(found)
    assert (dumped is None) == (path == "estimator")
    if dumped is not None:
        answers.append(artifact.load(*dumped).predict(rows))
    for answer in answers:
        if plain.classes:
            assert answer.labels == expected.labels
            assert {type(label) for label in answer.labels} == {type(expected.labels[0])}
        else:
            np.testing.assert_allclose(answer.labels, expected.labels, rtol=1e-12, atol=1e-12)
        assert (answer.scores is None) == (expected.scores is None)
        if expected.scores is not None:
            np.testing.assert_allclose(answer.scores, expected.scores, rtol=0, atol=1e-12)
    for index in range(0, len(rows), 29):
        assert_alone(found, rows, index, answers[0])


def assert_alone(found, rows, index, together):
    """A row alone is answered as among others: to the last bit, unless scikit-learn computes it."""
    alone = found.predict([rows[index]])
    if found.path != "estimator":
        assert alone.labels == [together.labels[index]]
        assert alone.scores == (together.scores and [together.scores[index]])
    elif found.classes:
        assert alone.labels == [together.labels[index]]
    else:
        assert alone.labels == pytest.approx([together.labels[index]], rel=1e-12)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_says_of_every_penguin_what_its_pipeline_says(name, penguins, fields, rows):
    X, y = penguins.drop(columns="species"), penguins["species"]
    pipeline = encoded(built(name, "classifier")).fit(X, y)
    found = compile_predictor(pipeline, fields, rows[0])
    assert_same(found, pipeline, fields, rows, PATHS.get(name, "trees"))


def numeric(X):
    columns = [f"x{index}" for index in range(X.shape[1])]
    fields = tuple(RecordField(name, "float", example=0.5) for name in columns)
    return pd.DataFrame(X, columns=columns), fields


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_binary_classifier_with_whole_numbers_as_labels(name):
    X, y = make_classification(200, 6, random_state=3)
    frame, fields = numeric(X)
    pipeline = make_pipeline(StandardScaler(), built(name, "classifier")).fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), PATHS.get(name, "trees"))


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RidgeClassifier(),
        RandomForestClassifier(12),
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5),
        SGDClassifier(loss="log_loss"),
    ],
)
def test_a_row_alone_has_the_scores_that_it_has_among_others(estimator):
    """Of many classes and columns: NumPy adds eight numbers and more in pairs, where it may."""
    X, y = make_classification(600, 20, n_informative=12, n_classes=12, random_state=8)
    frame, fields = numeric(X)
    found = compile_predictor(make_pipeline(StandardScaler(), estimator).fit(frame, y), fields)
    assert found.path != "estimator"
    rows = frame.to_numpy().tolist()
    together = found.predict(rows)
    for index in range(100):
        assert_alone(found, rows, index, together)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_says_what_its_pipeline_says(name):
    X, y = make_regression(200, 6, noise=3.0, random_state=4)
    frame, fields = numeric(X)
    pipeline = make_pipeline(StandardScaler(), built(name, "regressor")).fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), PATHS.get(name, "trees"))


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (LogisticRegression(), "linear"),
        (RidgeClassifier(), "linear"),
        (LinearSVC(), "linear"),
        (SGDClassifier(loss="log_loss"), "linear"),
        (SGDClassifier(loss="hinge"), "linear"),
        (SGDClassifier(loss="modified_huber"), "estimator"),
        (MLPClassifier(max_iter=20), "estimator"),
        (GradientBoostingClassifier(n_estimators=5, init="zero"), "trees"),
        (
            GradientBoostingClassifier(n_estimators=5, init=DecisionTreeClassifier()),
            "estimator",
        ),
        (AdaBoostClassifier(LogisticRegression(), n_estimators=3), "estimator"),
        (AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=7), "trees"),
    ],
    ids=str,
)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_other_estimators_have_the_path_they_can_have(estimator, path, classes):
    X, y = make_classification(200, 6, n_informative=4, n_classes=classes, random_state=5)
    frame, fields = numeric(X)
    pipeline = estimator.fit(frame, y)
    found = compile_predictor(pipeline, fields)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a matrix has no names, and nobody wants to be told so
        found.predict([tuple(row) for row in X])
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), path)


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingClassifier(loss="exponential", n_estimators=9),
        GradientBoostingRegressor(loss="huber", n_estimators=9),
        HistGradientBoostingRegressor(loss="poisson", max_iter=9),
        HistGradientBoostingRegressor(loss="absolute_error", max_iter=9),
        RandomForestRegressor(n_estimators=9, criterion="absolute_error"),
    ],
    ids=str,
)
def test_losses_are_linked_as_scikit_learn_links_them(estimator):
    X, y = make_classification(150, 5, random_state=6)
    frame, fields = numeric(X)
    pipeline = estimator.fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), "trees")


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_logarithm_of_the_target_is_compiled_as_its_estimator_is(name):
    X, y = make_regression(200, 6, noise=3.0, random_state=4)
    frame, fields = numeric(X)
    inner = built(name, "regressor")
    logarithm = TransformedTargetRegressor(inner, func=np.log, inverse_func=np.exp)
    pipeline = make_pipeline(StandardScaler(), logarithm).fit(frame, np.exp(y / 100))
    found = compile_predictor(pipeline, fields)
    path = "estimator" if name == "adaboost" else PATHS.get(name, "trees")
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), path)


@pytest.mark.parametrize(
    "another",
    [
        {"func": np.log1p, "inverse_func": np.expm1},
        {"transformer": PowerTransformer()},
        {"regressor": HistGradientBoostingRegressor(loss="poisson", max_iter=9)},
    ],
    ids=str,
)
def test_another_transformation_of_the_target_is_left_to_scikit_learn(another):
    X, y = make_regression(200, 6, noise=3.0, random_state=4)
    frame, fields = numeric(X)
    known = {"func": np.log, "inverse_func": np.exp} if "regressor" in another else {}
    pipeline = TransformedTargetRegressor(**(known | another)).fit(frame, np.exp(abs(y) / 100) + 2)
    found = compile_predictor(pipeline, fields)
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), "estimator")


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=20),
        RandomForestClassifier(n_estimators=20),
        DecisionTreeClassifier(),
    ],
    ids=str,
)
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_a_missing_value_goes_down_a_tree_where_training_sent_it(estimator, gaps):
    X, y = make_classification(300, 5, random_state=7)
    holes = np.random.default_rng(0).random(X.shape) < 0.2
    frame, fields = numeric(np.where(holes & (gaps > 0), np.nan, X))
    pipeline = make_pipeline(StandardScaler(), estimator).fit(frame, y)
    rows = [tuple(None if v != v else v for v in row) for row in np.where(holes, np.nan, X)]
    assert_same(compile_predictor(pipeline, fields), pipeline, fields, rows, "trees")


@pytest.mark.parametrize(("leaves", "finder"), [(8, Masks), (40, Masks), (300, Masks), (900, Walk)])
def test_trees_of_any_size_reach_the_same_leaves(leaves, finder):
    X, y = make_regression(2500, 4, noise=9.0, random_state=8)
    frame, fields = numeric(X)
    pipeline = RandomForestRegressor(n_estimators=5, max_leaf_nodes=leaves).fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert isinstance(found.linked.model, Trees)
    assert isinstance(found.linked.model._leaves.__self__, finder)
    assert_same(found, pipeline, fields, frame.to_numpy().tolist(), "trees")


def test_a_row_of_trees_has_the_same_answer_alone_and_in_any_batch():
    X, y = make_regression(300, 5, noise=5.0, random_state=9)
    frame, fields = numeric(X)
    found = compile_predictor(GradientBoostingRegressor(n_estimators=40).fit(frame, y), fields)
    rows = [tuple(row) for row in X]
    alone = [found.predict([row]).labels[0] for row in rows]
    assert alone == found.predict(rows).labels  # to the last bit


@pytest.mark.parametrize("estimator", [LogisticRegression(), GradientBoostingClassifier()], ids=str)
def test_a_row_that_the_pipeline_refuses_is_refused(estimator):
    X, y = make_classification(100, 4, random_state=1)
    frame, fields = numeric(X)
    found = compile_predictor(make_pipeline(StandardScaler(), estimator).fit(frame, y), fields)
    for row in [(None, 0.0, 0.0, 0.0), (1.7e308, -1.7e308, 1e308, 1e308)]:
        with pytest.raises(ValueError, match="missing, or too large"):
            found.predict([row])


def test_an_unknown_category_is_refused_where_the_pipeline_refuses_it(penguins, fields, rows):
    words = OneHotEncoder()
    encode = ColumnTransformer([("island", words, ["island"])])
    pipeline = make_pipeline(encode, LogisticRegression()).fit(penguins, penguins["species"])
    found = compile_predictor(pipeline, (RecordField("island", "text"),))
    assert (found.path, found.why) == ("linear", "")
    with pytest.raises(ValueError, match="category"):
        found.predict([("Tristan",)])


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (PolynomialFeatures(2), "PolynomialFeatures has no compiled form"),
        (SimpleImputer(add_indicator=True), "SimpleImputer with an indicator"),
    ],
    ids=str,
)
def test_what_is_not_known_is_served_by_the_pipeline_and_says_why(step, why):
    X, y = make_classification(100, 4, random_state=2)
    frame, fields = numeric(X)
    pipeline = make_pipeline(step, LogisticRegression()).fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert found.path == "pipeline"
    assert why in found.why
    assert artifact.dump(found) is None
    rows = frame.to_numpy().tolist()
    assert found.predict(rows).labels == pipeline.predict(frame).tolist()


def test_several_outputs_are_served_by_the_estimator():
    X, y = make_regression(100, 4, n_targets=2, random_state=2)
    frame, fields = numeric(X)
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(frame, y)
    found = compile_predictor(pipeline, fields)
    assert found.path == "estimator"
    assert "several outputs" in found.why
    assert found.predict([tuple(X[0])]).labels == [pytest.approx(pipeline.predict(frame)[0])]
