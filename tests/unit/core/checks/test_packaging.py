"""Forms of a model that answer alike, and one that does not."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from rookery.core.checks import declared, run
from rookery.core.fields import fields_of
from rookery.core.frames import answers_of
from rookery.jobs.packed_forms import forms_of


@pytest.fixture
def fields(priced):
    task = priced()
    named = [(name, task.columns[name].type, task.columns[name].required) for name in task.inputs]
    return fields_of(named, task, {})


def results(asked):
    return {check.name: run(check, asked) for check in declared(asked.task)}


@pytest.mark.parametrize("kind", ["linear", "forest"])
def test_a_model_from_its_file_and_its_predictor_answer_every_row_alike(
    priced, asked_of, fields, flats, kind
):
    estimator = None if kind == "linear" else RandomForestRegressor(10, random_state=0)
    gapped = flats.assign(area=flats["area"].where(flats["area"] > 40))
    asked = asked_of(priced(), estimator, gapped)
    found = results(replace(asked, forms=forms_of(asked.model, fields)))
    assert set(found) == {"skops", "converted"}
    assert all(each.passed and each.rows == 600 for each in found.values())
    assert found["skops"].value == found["converted"].value == 0.0


def test_a_form_that_answers_one_row_otherwise_is_refused_with_that_row(priced, asked_of, flats):
    asked = asked_of(priced())

    def off_by_one(X):
        numbers, scores = answers_of(asked.model, X)
        return [each + (at == 17) for at, each in enumerate(numbers)], scores

    same = partial(answers_of, asked.model)
    found = results(replace(asked, forms={"skops": same, "converted": off_by_one}))
    assert found["skops"].passed
    wrong = found["converted"]
    assert (wrong.passed, wrong.value, wrong.bound) == (False, 1.0, 0.0)
    assert "the predictor that the API makes of it answers 1 of 600 rows differently" in wrong.says
    (example,) = wrong.examples
    assert example["row"]["y"] == flats["y"].iloc[17]
    assert np.isclose(example["now"] - example["was"], 1)


def test_a_class_with_another_probability_is_another_answer(classed, asked_of):
    asked = asked_of(classed())

    def surer(X):
        labels, scores = answers_of(asked.model, X)
        return labels, [[first * 0.999, second] for first, second in scores]

    same = partial(answers_of, asked.model)
    found = results(replace(asked, forms={"skops": same, "converted": surer}))
    assert not found["converted"].passed


def test_a_form_without_an_answer_is_not_taken_for_an_equal_one(priced, asked_of):
    asked = asked_of(priced())
    nothing = {"skops": lambda X: ([float("nan")] * len(X), None), "converted": None}
    found = results(replace(asked, forms=nothing))
    assert not found["skops"].passed
    assert "no number at all" in found["skops"].says
    assert not found["converted"].passed


def test_it_can_be_left_out(priced):
    assert declared(priced(packaging=False)) == []
