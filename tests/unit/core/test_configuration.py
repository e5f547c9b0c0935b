"""A candidate as a file: what is read back is what was written, to the last bit."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rookery.core.candidates import expand
from rookery.core.configuration import configuration_of, parse_configuration, with_results
from rookery.core.taskfile import parse_task
from rookery.errors import InputError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | NUMBERS | st.text(max_size=20)


def read_again(found):
    return parse_configuration(found.text, "model_config.yaml")


def test_every_candidate_of_a_task_comes_back_as_the_same_estimator(penguins):
    for name, candidate in expand(penguins):
        again = read_again(configuration_of(penguins, name))
        assert repr(again.candidate) == repr(candidate)
        assert again.task.inputs == penguins.inputs


def test_the_file_names_task_class_parameters_and_results(penguins):
    said = {"metrics": {"cv_accuracy": 0.5}, "digest": "12ab", "commit": "c0ffee"}
    found = configuration_of(penguins, "svc-2", **said)
    lines = found.text.splitlines()
    for line in ("task: penguins", "family: svc", "estimator: sklearn.svm.SVC", "calibrated: true",
                 "  kernel: rbf", "max_rows: 20000", "  cv_accuracy: 0.5", "digest: 12ab",
                 "commit: c0ffee"):  # fmt: skip
        assert line in lines


@given(st.dictionaries(st.from_regex(r"cv_[a-z]{1,8}", fullmatch=True), NUMBERS, max_size=5))
@settings(max_examples=60, deadline=None)
def test_metrics_come_back_to_the_last_bit(penguins, metrics):
    found = configuration_of(penguins, "knn-1", metrics=metrics)
    again = read_again(found).trained
    assert again == found.trained
    assert [value.hex() for value in again.metrics.values()] == [v.hex() for v in metrics.values()]


@given(st.dictionaries(st.sampled_from(["C", "tol", "solver", "max_iter"]), VALUES))
@settings(max_examples=60, deadline=None)
def test_parameters_come_back_as_they_were(make_task, parameters):
    sets = {"logistic_regression": {"sets": [parameters]}}
    task = make_task({"a": {"type": "float"}}, candidates=sets)
    found = configuration_of(task, "logistic_regression-1")
    assert read_again(found).trained.parameters == parameters
    assert parse_task(found.task_text, "task.yaml") == found.task


def test_readers_of_yaml_1_1_see_the_same_values(make_task):
    sets = {"logistic_regression": {"sets": [{"C": 1e-05, "tol": 1e22}]}}
    answer = {"type": "category", "values": ["yes", "No", "on"], "required": True}
    task = make_task({"a": {"type": "float"}}, candidates=sets, y=answer)
    text = configuration_of(task, "logistic_regression-1").text
    old = YAML(typ="safe")
    old.version = (1, 1)
    found = old.load(text)
    assert found["parameters"] == {"C": 1e-05, "tol": 1e22}
    assert found["columns"]["y"]["values"] == ["yes", "No", "on"]


def test_a_class_that_a_task_names_itself_stays_that_class(make_task):
    sets: dict[str, Any] = {
        "svc": {"estimator": "sklearn.svm.SVC", "fixed": {"C": 2.0}},  # not calibrated
        "bag": {"estimator": "sklearn.ensemble.BaggingClassifier"},
    }
    task = make_task({"a": {"type": "float"}}, candidates=sets)
    for name, candidate in expand(task):
        assert repr(read_again(configuration_of(task, name)).candidate) == repr(candidate)


@pytest.mark.parametrize("name", ["mine-1", "knn-4", "knn-0", "knn", "knn-x"])
def test_what_no_task_file_names_has_no_configuration(penguins, name):
    assert configuration_of(penguins, name) is None


def test_another_training_of_it_keeps_the_candidate(penguins):
    found = configuration_of(penguins, "knn-1", metrics={"cv_accuracy": 0.5})
    again = with_results(found, {"metrics": {"cv_accuracy": 0.25}, "digest": "ab"})
    assert again.candidate.parameters == found.candidate.parameters
    assert read_again(again).trained.metrics == {"cv_accuracy": 0.25}


@pytest.mark.parametrize(
    ("line", "becomes", "message"),
    [
        ("family: knn", "family: kmm\nx: 1", "x: there is no such key"),
        ("task: penguins", "task: Pen guins", "model_config.yaml:3: task"),
        ("task: penguins", "", "task: this key is missing"),
        ("  n_neighbors: 3", "  neighbours: 3", "neighbours"),
        ("metric: accuracy", "metric: mae", "metric: 'mae' is not allowed"),
        ("family: knn", "family: knn\ncalibrated: true", "calibrated: True is not allowed"),
        ("estimator: sklearn.neighbors.KNeighborsClassifier", "estimator: os.system", "os.system"),
        ("task: penguins", "task: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(penguins, line, becomes, message):
    text = configuration_of(penguins, "knn-1").text
    assert line in text
    with pytest.raises(InputError) as refused:
        parse_configuration(text.replace(line, becomes), "model_config.yaml")
    assert message in refused.value.message
