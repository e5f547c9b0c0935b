"""Classes, bins and segments, each held against its bound."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.tree import DecisionTreeClassifier

from rookery.core.checks import ask, declared, run
from rookery.core.pipeline import build_pipeline


def test_every_class_that_is_recognized_passes(classed, only):
    found = only(classed(per_class={"minimum": {"recall": 0.9}}))
    assert found.passed
    assert found.rows == 600
    assert (found.sense, found.bound) == ("at least", 0.9)
    assert found.says.startswith("worst: ")


def test_a_class_that_is_never_said_is_refused_by_name(classed, only):
    found = only(classed(per_class={"minimum": {"recall": 0.5}}), DummyClassifier())
    assert (found.passed, found.value) == (False, 0.0)
    assert found.says == "q (120 rows) has recall 0, at least 0.5 asked"
    assert {each["row"]["y"] for each in found.examples} == {"q"}
    assert {each["now"] for each in found.examples} == {"p"}


def test_a_class_may_have_a_bound_of_its_own(classed, only):
    never = DummyClassifier()
    assert only(classed(per_class={"minimum": {"recall": {"p": 1.0}}}), never).passed
    both = only(classed(per_class={"minimum": {"recall": {"p": 1.0, "*": 0.1}}}), never)
    assert "q (120 rows)" in both.says
    precision = only(classed(per_class={"minimum": {"precision": {"p": 0.9}}}), never)
    assert precision.value == pytest.approx(0.8)


def test_yes_and_no_are_classes_too(make_task, flats):
    task = make_task(
        {"area": {"type": "float"}},
        y={"type": "boolean", "required": True},
        checks={"per_class": {"minimum": {"recall": {True: 0.9, False: 0.5}}}},
    )
    assert type(task).model_validate(task.model_dump(mode="json", by_alias=True)) == task
    rows = flats.assign(y=flats["area"] > 100)
    (check,) = declared(task, packed=False)
    model = build_pipeline(task, DecisionTreeClassifier(max_depth=2)).fit(rows[["area"]], rows["y"])
    assert run(check, ask(task, model, ["area"], rows)).passed


def test_few_rows_are_named_and_not_judged(classed, only, dear):
    few = dear[(dear["y"] == "p") | (np.arange(len(dear)) < 40)]
    rule = {"minimum": {"recall": 0.5}, "rows": 30}
    found = only(classed(per_class=rule), DummyClassifier(), few)
    assert found.passed
    assert "(not judged, below 30 rows or not defined: q)" in found.says
    nobody = only(classed(per_class=rule | {"rows": 601}))
    assert (nobody.passed, nobody.value) == (False, None)
    assert "the largest part has 480 rows, not 601" in nobody.says


def test_bins_of_a_target_are_quarters_or_lie_between_edges(priced, only):
    rule = {"minimum": {"mae": 40}}
    assert only(priced(per_bin=rule)).passed
    mean = only(priced(per_bin=rule), DummyRegressor())
    assert (mean.passed, mean.sense, mean.rows) == (False, "at most", 600)
    assert mean.says.count("y ") == 4
    edged = only(priced(per_bin=rule | {"edges": [500, 1500]}), DummyRegressor())
    assert "y below 500 (" in edged.says
    assert "y from 1500 on (" in edged.says
    assert edged.examples[0]["row"]["y"] < 500 or edged.examples[0]["row"]["y"] >= 1500


def test_segments_are_values_quarters_and_gaps(priced, only, flats):
    wrong_in_the_south = flats.assign(y=flats["y"] + 500 * (flats["district"] == "south"))
    rule = {"district": {"minimum": {"mae": 40}}}
    found = only(priced(per_segment=rule), rows=wrong_in_the_south)
    assert not found.passed
    assert found.value == pytest.approx(500, abs=20)
    assert found.says.startswith("district south (")
    assert "north" not in found.says
    assert {each["row"]["district"] for each in found.examples} == {"south"}
    assert only(priced(per_segment={"area": {"minimum": {"r2": 0.5}}})).passed


def test_a_metric_that_no_part_defines_does_not_pass(classed, only, dear):
    rule = {"y": {"minimum": {"roc_auc": 0.5}}}  # each part of the target is of one class
    assert only(classed(per_segment=rule)).value is None
