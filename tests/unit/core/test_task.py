"""What a task says about its columns, and what may be left out."""

import sys

import pytest
from pydantic import ValidationError

from rookery.core import boosters
from rookery.core.families import estimator_parameters

NUMBER = {"type": "float", "required": True}
COLUMNS = {
    "a": NUMBER,
    "b": {"type": "integer"},
    "when": {"type": "date"},
    "note": {"type": "text"},
    "flag": {"type": "boolean"},
    "part": {"type": "category", "values": ["train", "test"]},
    "hidden": {"type": "float", "feature": False},
}


def test_the_penguins_are_told_apart_by_six_columns(penguins):
    assert penguins.kind == "classifier"
    assert penguins.labels == ("Adelie", "Chinstrap", "Gentoo")
    assert penguins.higher_is_better
    assert (
        penguins.features_used
        == penguins.inputs
        == [
            "island",
            "bill_length_mm",
            "bill_depth_mm",
            "flipper_length_mm",
            "body_mass_g",
            "sex",
        ]
    )


def test_a_model_sees_neither_target_nor_split_nor_text_nor_dates(make_task):
    task = make_task(COLUMNS, split={"column": "part"})
    assert task.features_used == ["a", "b", "flag"]


def test_inputs_are_features_and_what_derived_ones_are_made_of_in_the_order_of_the_file(make_task):
    features = {
        "sum": {"add": ["hidden", "a"]},
        "letters": {"length": "note"},
        "year": {"date_part": {"column": "when", "part": "year"}},
    }
    task = make_task(COLUMNS, features=features)
    assert task.inputs == ["a", "b", "when", "note", "flag", "part", "hidden"]


@pytest.mark.parametrize(
    ("target", "metric", "kind", "labels"),
    [
        (
            {"type": "category", "values": ["x", "w"], "required": True},
            "accuracy",
            "classifier",
            ("x", "w"),
        ),
        ({"type": "boolean", "required": True}, "log_loss", "classifier", (False, True)),
        ({"type": "float", "required": True}, "rmse", "regressor", ()),
        ({"type": "integer", "required": True}, "r2", "regressor", ()),
    ],
)
def test_the_kind_follows_from_the_target(make_task, target, metric, kind, labels):
    task = make_task(COLUMNS, y=target, metric=metric)
    assert (task.kind, task.labels) == (kind, labels)


@pytest.mark.parametrize(
    ("metric", "higher"), [("roc_auc", True), ("log_loss", False), ("f1_macro", True)]
)
def test_each_metric_has_its_direction(make_task, metric, higher):
    assert make_task(COLUMNS, metric=metric).higher_is_better is higher


def test_leaving_out_a_column_leaves_out_what_is_derived_from_it(make_task):
    task = make_task(COLUMNS, features={"s": {"add": ["a", "b"]}, "l": {"log": "b"}})
    less = task.without(["a"])
    assert less.features_used == ["b", "flag", "part"]
    assert list(less.features) == ["l"]
    assert "a" in task.features_used


@pytest.mark.parametrize("name", ["when", "y", "nobody"])
def test_what_is_no_feature_cannot_be_left_out(make_task, name):
    with pytest.raises(ValueError, match=f"'{name}' is not a feature; there are"):
        make_task(COLUMNS).without([name])


def test_something_is_left_to_learn_from(penguins):
    with pytest.raises(ValueError, match="nothing is left"):
        penguins.without(penguins.features_used)


def test_a_task_without_features_is_refused(make_task):
    with pytest.raises(ValueError, match="at least one column with feature: true"):
        make_task({"note": {"type": "text"}})


@pytest.mark.parametrize(
    "name", ["x; DROP TABLE raw; --", 'a"b', "a`b", "Größe", "重さ", "select", "%s", ":x", "{a}"]
)
def test_any_name_that_a_database_can_hold_is_a_column(make_task, name):
    assert make_task({name: NUMBER}).features_used == [name]


def test_a_task_does_not_change(penguins):
    with pytest.raises(ValueError, match="frozen"):
        penguins.target = "sex"


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        ({"type": "text", "required": True}, {}, r"'y \(text\)' is not allowed"),
        ({"type": "date", "required": True}, {}, r"'y \(date\)' is not allowed"),
        ({"type": "float", "required": True}, {"l": {"log": "y"}}, "columns other than the target"),
    ],
)
def test_what_cannot_be_learnt_without_a_leak_is_refused(make_task, target, features, message):
    with pytest.raises(ValueError, match=message):
        make_task(COLUMNS, y=target, features=features, metric="rmse")


THREE = {"type": "category", "values": ["p", "q", "r"], "required": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": {"maximize": "f1"}},
        {"metric": "f1"},
        {"gate": {"minimum": {"average_precision": 0.5}}},
    ],
)
def test_what_is_asked_of_two_classes_is_not_asked_of_three(make_task, changes):
    assert make_task({"a": {"type": "float"}}, **changes)
    with pytest.raises(ValueError, match="allowed"):
        make_task({"a": {"type": "float"}}, y=THREE, **changes)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"maximize": "f1", "minimum_recall": 0.5},
        {"minimum_recall": 0},
        {"cost": {"false_positive": 0, "false_negative": 1}},
        {"maximize": "recall"},
    ],
)
def test_a_threshold_has_exactly_one_rule_that_can_be_met(make_task, rule):
    with pytest.raises(ValidationError):
        make_task({"a": {"type": "float"}}, threshold=rule)


PRICE = {"type": "float", "required": True, "range": [1, 9]}


@pytest.mark.parametrize(
    ("target", "metric", "named"),
    [
        (THREE, "accuracy", "a target that is a number"),
        (PRICE | {"range": [0, 9]}, "rmse", "above 0"),
        ({"type": "float", "required": True}, "rmse", "above 0"),
    ],
)
def test_only_what_is_a_number_above_0_is_learnt_as_a_logarithm(make_task, target, metric, named):
    columns = {"a": {"type": "float"}}
    made = make_task(columns, y=PRICE, metric="rmse", target_transform="log")
    assert made.target_transform == "log"
    with pytest.raises(ValueError, match=named):
        make_task(columns, y=target, metric=metric, target_transform="log")


HASH = "0" * 64
WEB = {"archive": "https://example.org/x.zip", "files": [{"name": "x.csv", "sha256": HASH}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"archive": None}, "no url"),
        ({"archive": "file:///etc/passwd"}, "pattern"),
        ({"files": [{"name": "../x.csv", "sha256": HASH}]}, "pattern"),
        ({"files": [{"name": "x.csv", "sha256": "abc"}]}, "pattern"),
        ({"files": []}, "at least 1"),
        ({"files": 2 * [{"name": "x.csv", "sha256": HASH}]}, "same name"),
        (
            {
                "files": [
                    {"name": "x.csv", "sha256": HASH, "add": {"part": "a"}},
                    {"name": "y.csv", "sha256": HASH},
                ]
            },
            "add the same columns",
        ),
    ],
)
def test_a_source_on_the_web_names_files_that_can_be_checked(make_task, changes, message):
    assert make_task({"a": {"type": "float"}}, source={"web": WEB})
    with pytest.raises(ValidationError, match=message):
        make_task({"a": {"type": "float"}}, source={"web": WEB | changes})


def test_a_family_whose_library_is_not_installed_is_no_mistake_of_the_task(make_task, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    boosters.library.cache_clear()
    estimator_parameters.cache_clear()
    try:
        task = make_task({"a": {"type": "float"}}, candidates={"xgboost": {"sets": [{"eta": 1}]}})
        assert list(task.candidates) == ["xgboost"]
    finally:
        boosters.library.cache_clear()
        estimator_parameters.cache_clear()


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_a_parameter_that_a_booster_does_not_take_is_a_mistake(make_task, family):
    pytest.importorskip(family, reason=f"the extra {family} is not installed")
    with pytest.raises(ValidationError, match="n_trees"):
        make_task({"a": {"type": "float"}}, candidates={family: {"sets": [{"n_trees": 5}]}})
