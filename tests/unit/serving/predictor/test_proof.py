"""What is compiled wrongly is found out, and the pipeline serves."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from rookery.core.records import RecordField
from rookery.serving.predictor import choosing, linear, reading_encoders, reading_trees
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.model import Linked
from rookery.serving.predictor.trees import Trees

X, Y = make_classification(200, 4, random_state=0)
FRAME = pd.DataFrame(X, columns=list("abcd"))
FIELDS = tuple(RecordField(name, "float") for name in "abcd")


def fitted(estimator):
    return make_pipeline(StandardScaler(), estimator).fit(FRAME, Y)


def changed(read, name, change):
    """A reader that gets one array wrong."""

    def wrong(estimator):
        found = read(estimator)
        if found is None:
            return None
        arrays = {key: array.copy() for key, array in found.model.arrays.items()}
        change(arrays[name])
        model = type(found.model)(arrays, found.model.options)
        return Linked(model, found.link, found.parameters)

    return wrong


def nudge(places):
    """Moves one threshold by one step of float32."""

    def change(thresholds):
        thresholds[0] = np.nextafter(np.float32(thresholds[0]), np.float32(places))

    return change


@pytest.mark.parametrize("towards", [-np.inf, np.inf])
def test_one_threshold_that_is_off_by_one_step_of_float32_is_found(monkeypatch, towards):
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    assert compile_predictor(fitted(forest), FIELDS).path == "trees"
    wrong = changed(reading_trees.read, "threshold", nudge(towards))
    monkeypatch.setattr(choosing, "READERS", (wrong,))
    found = compile_predictor(fitted(forest), FIELDS)
    assert found.path == "pipeline"
    assert "the path trees differs" in found.why
    assert found.predict([(0.0, 0.0, 0.0, 0.0)]).labels == [
        fitted(forest).predict(pd.DataFrame([[0.0] * 4], columns=list("abcd")))[0]
    ]


def flip(array):
    array[:] = ~array


def shift(array):
    array += 1e-6


@pytest.mark.parametrize(
    ("estimator", "read", "name", "change"),
    [
        (HistGradientBoostingClassifier(max_iter=5), reading_trees.read, "missing_left", flip),
        (RandomForestClassifier(n_estimators=3), reading_trees.read, "values", shift),
        (LogisticRegression(), linear.read, "coefficients", shift),
        (LogisticRegression(), linear.read, "intercepts", shift),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_model_that_is_read_wrongly_is_not_served(monkeypatch, estimator, read, name, change):
    monkeypatch.setattr(choosing, "READERS", (changed(read, name, change),))
    found = compile_predictor(fitted(estimator), FIELDS)
    assert found.path == "pipeline"
    assert "differs" in found.why


def test_an_encoding_that_is_off_in_the_last_bit_is_found(monkeypatch):
    def nearly(reading, scaler, columns):
        mean = np.nextafter(scaler.mean_, np.inf)
        columns = reading_encoders._do(columns, "subtract", mean)
        return reading_encoders._do(columns, "divide", scaler.scale_)

    monkeypatch.setitem(reading_encoders.READERS, "StandardScaler", nearly)
    found = compile_predictor(fitted(RandomForestClassifier(n_estimators=3)), FIELDS)
    assert found.path == "pipeline"
    assert "encoding of the rows differs" in found.why


def test_a_model_that_answers_what_the_pipeline_refuses_is_not_served(monkeypatch):
    monkeypatch.setattr(linear, "check_finite", lambda _: None)
    found = compile_predictor(fitted(LogisticRegression()), FIELDS)
    assert found.path == "pipeline"
    assert "the pipeline gives ValueError" in found.why


def test_a_pipeline_put_together_oddly_is_served_as_it_is(monkeypatch):
    monkeypatch.setattr(Trees, "__init__", lambda *_: 1 / 0)
    found = compile_predictor(fitted(RandomForestClassifier(n_estimators=3)), FIELDS)
    assert (found.path, found.why) == ("pipeline", "ZeroDivisionError: division by zero")


class Contrary(Pipeline):
    """A pipeline of somebody's own, which says the opposite."""

    def predict(self, X):
        return 1 - super().predict(X)


def test_a_pipeline_with_its_own_predict_is_not_taken_apart():
    pipeline = Contrary([("scale", StandardScaler()), ("last", LogisticRegression())])
    found = compile_predictor(pipeline.fit(FRAME, Y), FIELDS)
    assert found.path == "pipeline"
    assert "Contrary" in found.why
    rows = [tuple(row) for row in X.tolist()]
    assert found.predict(rows).labels == pipeline.predict(FRAME).tolist()


def test_what_is_not_compiled_is_transformed_once_and_answers_as_its_pipeline():
    asked = []

    class Counting(StandardScaler):
        def transform(self, X, copy=None):
            asked.append(len(X))
            return super().transform(X, copy)

    steps = [("n", "passthrough"), ("scale", Counting()), ("last", LogisticRegression())]
    pipeline = Pipeline(steps).fit(FRAME, Y)
    found = compile_predictor(pipeline, FIELDS)
    assert found.path == "pipeline"
    asked.clear()
    answer = found.predict([tuple(row) for row in X.tolist()])
    assert asked == [200]
    assert answer.labels == pipeline.predict(FRAME).tolist()
    assert answer.scores == pipeline.predict_proba(FRAME).tolist()
