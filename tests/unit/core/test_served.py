"""What a loaded model answers equals what its pipeline says."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from rookery.core.pipeline import build_pipeline
from rookery.core.records import InvalidRecords, fields_of
from rookery.core.served import Lineage, ServedModel

LINEAGE = Lineage("run", "digest", "commit", {"holdout_accuracy": 1.0}, {}, "logistic_regression")


@pytest.fixture(scope="module")
def served(penguins, clean_penguins):
    X = clean_penguins[penguins.inputs]
    pipeline = build_pipeline(penguins, LogisticRegression(max_iter=1000))
    fields = fields_of([(name, "float", True) for name in X], penguins, X.iloc[0].to_dict())
    return ServedModel(
        "penguins",
        "3",
        "production",
        pipeline.fit(X, clean_penguins["species"]),
        fields,
        penguins,
        LINEAGE,
    )


def test_a_raw_row_gets_the_answer_of_the_pipeline(served, raw_penguins, clean_penguins):
    rows = raw_penguins.loc[clean_penguins.index[:40]]
    frame = served.reader(strict=True).frame(rows.drop(columns="species").to_dict("records"))
    answers = served.predict(frame)
    X = clean_penguins[served.task.inputs].iloc[:40]
    assert [answer["prediction"] for answer in answers] == served.pipeline.predict(X).tolist()
    probabilities = pd.DataFrame([answer["probabilities"] for answer in answers])
    assert list(probabilities.columns) == served.classes == ["Adelie", "Chinstrap", "Gentoo"]
    np.testing.assert_allclose(probabilities, served.pipeline.predict_proba(X))
    assert {(answer["model"], answer["version"]) for answer in answers} == {("penguins", "3")}
    assert len({answer["id"] for answer in answers}) == 40


def test_the_answer_holds_plain_values_only(served):
    reader = served.reader(strict=True)
    (answer,) = served.predict(reader.frame([reader.example()]))
    assert type(answer["prediction"]) is str
    assert {type(score) for score in answer["probabilities"].values()} == {float}


def test_columns_that_the_model_does_not_use_may_be_sent_but_not_unknown_ones_or_the_target(served):
    assert served.ignored == ["year"]
    reader = served.reader(strict=True)
    assert len(reader.frame([reader.example() | {"year": 2007}])) == 1
    for unknown in ("colour", "species"):
        with pytest.raises(InvalidRecords, match=f"{unknown} is not a field of this model"):
            reader.frame([reader.example() | {unknown: "black"}])


def test_a_model_without_a_task_uses_every_field(served):
    assert dataclasses.replace(served, task=None).ignored == []


@pytest.mark.parametrize(
    ("estimator", "target", "kind"),
    [(LinearRegression(), "body_mass_g", float), (LinearSVC(), "species", str)],
)
def test_a_model_without_probabilities_answers_without_them(
    served, clean_penguins, estimator, target, kind
):
    X = clean_penguins[["bill_length_mm", "flipper_length_mm"]]
    model = dataclasses.replace(served, pipeline=estimator.fit(X, clean_penguins[target]))
    answers = model.predict(X)
    assert model.classes == []
    assert [answer["prediction"] for answer in answers] == estimator.predict(X).tolist()
    assert type(answers[0]["prediction"]) is kind
    assert "probabilities" not in answers[0]


def test_classes_that_are_truth_values_are_answered_as_such(served, clean_penguins):
    X, y = clean_penguins[["body_mass_g"]], clean_penguins["sex"] == "male"
    model = dataclasses.replace(served, pipeline=LogisticRegression().fit(X / 1000, y))
    answers = model.predict(X / 1000)
    assert model.classes == [False, True]
    assert {answer["prediction"] for answer in answers} == {False, True}
    assert type(answers[0]["prediction"]) is bool
    assert list(answers[0]["probabilities"]) == ["False", "True"]
