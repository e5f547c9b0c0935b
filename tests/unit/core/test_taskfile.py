"""Each mistake in a task file is told with its place, the value and what is allowed."""

import copy
import functools
import io
import json
import operator
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rookery.core.taskfile import parse_task, task_schema
from rookery.errors import InputError

GOOD = """\
name: birds
source: {csv: birds.csv}
columns:
  wing: {type: float, unit: mm, range: [10, 900]}
  eggs: {type: integer}
  seen: {type: date}
  note: {type: text}
  ringed: {type: boolean}
  kind: {type: category, values: [owl, rook], required: true}
target: kind
cleaning:
  rules:
    - {left: wing, is: ">", right: eggs}
features:
  ratio: {divide: [wing, eggs]}
split: {holdout: 0.2}
metric: accuracy
gate:
  minimum: {accuracy: 0.5}
candidates:
  knn:
    sets: [{n_neighbors: 3}]
"""

# what is put in place of which text, then line, key path, value and a part of what is allowed
MISTAKES = [
    ("an unknown key", "metric: ", "metrics: ", 1, "metric", None, "a value"),
    ("a misspelt type", "type: float", "type: flaot", 4, "columns.wing.type", "flaot", "'float'"),
    ("a key of a column", "unit: mm", "units: mm", 4, "columns.wing.units", "mm", "unit, range"),
    (
        "no mapping",
        "{type: date}",
        "date",
        6,
        "columns.seen",
        "date",
        "a mapping with some of type",
    ),
    ("an empty column", "{type: date}", "", 6, "columns.seen", None, "a mapping with some of type"),
    ("a number as class", "[owl, rook]", "[1, rook]", 9, "columns.kind.values.0", 1, "in quotes"),
    ("no list", "[owl, rook]", "owl", 9, "columns.kind.values", "owl", "a list"),
    ("no values", ", values: [owl, rook]", "", 9, "columns.kind", None, "a category lists its"),
    ("a class twice", "[owl, rook]", "[owl, owl]", 9, "columns.kind", None, "a value twice"),
    (
        "values of a float",
        "range: [10, 900]",
        "values: [a]",
        4,
        "columns.wing",
        None,
        "values are for category, not for float",
    ),
    (
        "a range of a text",
        "{type: text}",
        "{type: text, range: [1, 2]}",
        7,
        "columns.note",
        None,
        "range is for float and integer, not for text",
    ),
    ("a range upside down", "[10, 900]", "[900, 10]", 4, "columns.wing", None, "wrong way round"),
    ("a range with one end", "[10, 900]", "[10]", 4, "columns.wing.range.1", None, "a value"),
    (
        "a range that is not a number",
        "[10, 900]",
        "[.nan, 9]",
        4,
        "columns.wing.range.0",
        "nan",
        "a finite number",
    ),
    (
        "no truth value",
        "required: true",
        "required: maybe",
        9,
        "columns.kind.required",
        "maybe",
        "true or false",
    ),
    (
        "an optional target",
        ", required: true",
        "",
        9,
        "columns.kind.required",
        False,
        "true, for the target",
    ),
    (
        "no such target",
        "target: kind",
        "target: species",
        10,
        "target",
        "species",
        "one of the columns wing, eggs",
    ),
    (
        "a target that is text",
        "target: kind",
        "target: note",
        7,
        "columns.note.required",
        False,
        "true, for the target",
    ),
    (
        "a derived target",
        "[wing, eggs]",
        "[wing, kind]",
        15,
        "features.ratio",
        "kind (category)",
        "a column of type float or integer or boolean",
    ),
    (
        "a rule on no column",
        "right: eggs",
        "right: legs",
        13,
        "cleaning.rules.0.right",
        "legs",
        "one of the columns wing, eggs",
    ),
    (
        "a rule that compares unlikes",
        "right: eggs",
        "right: seen",
        13,
        "cleaning.rules.0",
        "float > date",
        "two numbers, two dates or two texts",
    ),
    ("no such comparison", '">"', '"=>"', 13, "cleaning.rules.0.is", "=>", "'<', '<='"),
    (
        "no such operation",
        "divide:",
        "divided:",
        15,
        "features.ratio.divided",
        None,
        "one of add, subtract",
    ),
    (
        "two operations",
        "{divide: [wing, eggs]}",
        "{divide: [wing, eggs], log: wing}",
        15,
        "features.ratio",
        None,
        "exactly one of add",
    ),
    (
        "an empty operation",
        "{divide: [wing, eggs]}",
        "{log: }",
        15,
        "features.ratio",
        None,
        "exactly one of add",
    ),
    ("half a pair", "[wing, eggs]", "[wing]", 15, "features.ratio.divide.1", None, "a value"),
    (
        "a date part of a number",
        "{divide: [wing, eggs]}",
        "{date_part: {column: wing, part: year}}",
        15,
        "features.ratio",
        "wing (float)",
        "a column of type date",
    ),
    (
        "no such date part",
        "{divide: [wing, eggs]}",
        "{date_part: {column: seen, part: age}}",
        15,
        "features.ratio.date_part.part",
        "age",
        "'year', 'month'",
    ),
    (
        "bins that do not increase",
        "{divide: [wing, eggs]}",
        "{bins: {column: wing, edges: [3, 1]}}",
        15,
        "features.ratio.bins",
        None,
        "must increase",
    ),
    (
        "a derived name that is taken",
        "ratio:",
        "wing:",
        15,
        "features.wing",
        "wing",
        "a name that no column has",
    ),
    ("too large a hold-out", "holdout: 0.2", "holdout: 2", 16, "split.holdout", 2, "less than 1"),
    (
        "too few folds",
        "holdout: 0.2",
        "folds: 1",
        16,
        "split.folds",
        1,
        "greater than or equal to 2",
    ),
    (
        "a split by no column",
        "holdout: 0.2",
        "column: part",
        16,
        "split.column",
        "part",
        "one of the columns wing",
    ),
    (
        "a metric of the other kind",
        "metric: accuracy",
        "metric: rmse",
        17,
        "metric",
        "rmse",
        "for a classifier one of",
    ),
    (
        "the wrong direction",
        "metric: accuracy",
        "metric: accuracy\ndirection: minimize",
        18,
        "direction",
        "minimize",
        "maximize for accuracy",
    ),
    (
        "a gate on no metric",
        "{accuracy: 0.5}",
        "{acuracy: 0.5}",
        19,
        "gate.minimum.acuracy",
        "acuracy",
        "accuracy",
    ),
    (
        "a gate that never shuts",
        "{accuracy: 0.5}",
        "{accuracy: .nan}",
        19,
        "gate.minimum.accuracy",
        "nan",
        "a finite number",
    ),
    (
        "no such family",
        "knn:",
        "nearest:",
        21,
        "candidates.nearest",
        "nearest",
        "for a classifier one of logistic_regression",
    ),
    ("a family of the other kind", "knn:", "svr:", 21, "candidates.svr", "svr", "for a classifier"),
    (
        "a name that no run can have",
        "knn:",
        "K-nn:",
        21,
        "candidates.K-nn",
        "K-nn",
        "lower-case letters",
    ),
    (
        "a parameter of no estimator",
        "n_neighbors",
        "neighbours",
        22,
        "candidates.knn.sets.0.neighbours",
        "neighbours",
        "n_neighbors",
    ),
    (
        "a shared parameter of none",
        "sets: [{n_neighbors: 3}]",
        "fixed: {k: 3}",
        22,
        "candidates.knn.fixed.k",
        "k",
        "n_neighbors",
    ),
    ("no sets", "[{n_neighbors: 3}]", "[]", 22, "candidates.knn.sets", None, "at least 1 item"),
    (
        "a class that is not there",
        "sets: [{n_neighbors: 3}]",
        "estimator: sklearn.tree.Oak",
        22,
        "candidates.knn.estimator",
        "sklearn.tree.Oak",
        "a classifier of scikit-learn",
    ),
    (
        "a class from elsewhere",
        "sets: [{n_neighbors: 3}]",
        "estimator: os.system",
        22,
        "candidates.knn.estimator",
        "os.system",
        "a classifier of scikit-learn",
    ),
    (
        "a class of the other kind",
        "sets: [{n_neighbors: 3}]",
        "estimator: sklearn.linear_model.Lasso",
        22,
        "candidates.knn.estimator",
        "sklearn.linear_model.Lasso",
        "a classifier of scikit-learn",
    ),
    (
        "a transformer",
        "sets: [{n_neighbors: 3}]",
        "estimator: sklearn.preprocessing.StandardScaler",
        22,
        "candidates.knn.estimator",
        "sklearn.preprocessing.StandardScaler",
        "a classifier of scikit-learn",
    ),
    (
        "an estimator made of others",
        "sets: [{n_neighbors: 3}]",
        "estimator: sklearn.ensemble.VotingClassifier",
        22,
        "candidates.knn.estimator",
        "sklearn.ensemble.VotingClassifier",
        "a classifier of scikit-learn",
    ),
    (
        "a name with capitals",
        "name: birds",
        "name: Birds",
        1,
        "name",
        "Birds",
        "lower-case letters",
    ),
    ("a name of ours", "name: birds", "name: promotions", 1, "name", "promotions", "any name but"),
    (
        "two sources",
        "{csv: birds.csv}",
        "{csv: a.csv, parquet: b.parquet}",
        2,
        "source",
        None,
        "names csv and parquet; give exactly one",
    ),
    ("no source", "{csv: birds.csv}", "{separator: ;}", 2, "source", None, "names no source"),
    (
        "an unknown package",
        "{csv: birds.csv}",
        "{package: seaborn}",
        2,
        "source.package",
        "seaborn",
        "'palmerpenguins'",
    ),
    ("a number as column name", "  eggs:", "  12:", 5, "columns.12.[key]", 12, "in quotes"),
    (
        "a column of ours",
        "  note:",
        "  batch_id:",
        7,
        "columns.batch_id",
        "batch_id",
        "any name but",
    ),
    (
        "columns alike but for case",
        "  note:",
        "  WING:",
        7,
        "columns.WING",
        "WING",
        "there is 'wing'",
    ),
    (
        "a column name too long",
        "  note:",
        f"  {'n' * 65}:",
        7,
        f"columns.{'n' * 65}",
        "n" * 65,
        "1 to 64 characters",
    ),
    (
        "a padded column name",
        "  note:",
        '  " note":',
        7,
        "columns. note",
        " note",
        "no space at the ends",
    ),
    (
        "a mistake in what is merged",
        "{type: integer}",
        "{<<: {type: whole}}",
        5,
        "columns.eggs.type",
        "whole",
        "'float'",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "value", "allowed"),
    [pytest.param(*mistake[1:], id=mistake[0]) for mistake in MISTAKES],
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(old, new, line, path, value, allowed):
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as caught:
        parse_task(GOOD.replace(old, new), "tasks/birds.yaml")
    error = caught.value
    assert str(error).splitlines()[0].startswith(f"tasks/birds.yaml:{line}: {path}: ")
    assert error.field == path
    assert error.value == value
    assert allowed in error.allowed
    assert error.next == "mend tasks/birds.yaml, then: rookery tasks"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "there is nothing"),
        ("- a\n- b\n", 1, "there is a list"),
        ("just words\n", 1, "there is a value"),
        ("name: a\nname: b\n", 2, "duplicate key"),
        ("name: a\ncolumns:\n\twing: 1\n", 3, "cannot start any token"),
        ("name: a\ntitle: \x01\n", 2, "special characters are not allowed"),
        ("name: a\n---\nname: b\n", 2, "another document"),
        ("name: [a\n", 2, "expected"),
        ("name: *nobody\n", 1, "undefined alias"),
    ],
)
def test_text_that_is_not_a_task_is_refused_with_its_line(text, line, words):
    with pytest.raises(InputError) as caught:
        parse_task(text, "t.yaml")
    assert str(caught.value).startswith(f"t.yaml:{line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_told_at_once():
    text = GOOD.replace("type: float", "type: flaot").replace("metric:", "metrics:")
    with pytest.raises(InputError) as caught:
        parse_task(text, "t.yaml")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "columns.wing.type",
        "metric",
        "metrics",
    ]


def test_classes_written_as_numbers_are_told_once_each():
    with pytest.raises(InputError) as caught:
        parse_task(GOOD.replace("[owl, rook]", "[1, 2]"), "t.yaml")
    assert str(caught.value).count("\n") == 1


def test_words_of_yaml_1_1_are_text():
    task = parse_task(GOOD.replace("[owl, rook]", "[yes, no]"), "t.yaml")
    assert task.labels == ("yes", "no")


def test_anchors_and_merges_can_be_used():
    text = GOOD.replace("wing: {", "wing: &base {").replace(
        "{type: integer}", "{<<: *base, type: integer}"
    )
    eggs = parse_task(text, "t.yaml").columns["eggs"]
    assert (eggs.type, eggs.unit, eggs.range) == ("integer", "mm", (10.0, 900.0))


def aliases(levels: int) -> str:
    """Text whose last key holds ten to the power of `levels` values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [aliases(7), "name: " + "[" * 600 + "]" * 600, f"name: {'x' * 256_000}"],
    ids=["aliases of aliases", "nested deeply", "long"],
)
def test_a_file_that_grows_when_it_is_read_is_refused(text):
    with pytest.raises(InputError, match="too large") as caught:
        parse_task(text, "t.yaml")
    assert str(caught.value).startswith("t.yaml:1: ")


def test_a_class_of_scikit_learn_without_a_name_of_ours_is_taken():
    text = GOOD.replace("knn:", "boxes:").replace(
        "sets: [{n_neighbors: 3}]",
        "estimator: sklearn.ensemble.BaggingClassifier\n    sets: [{n_estimators: 3}]",
    )
    assert parse_task(text, "t.yaml").candidates["boxes"].sets == ({"n_estimators": 3},)


def places(tree, above=()):
    """The path of every value in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


TREE = YAML(typ="safe").load(GOOD)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.dates()
    | st.sampled_from(["wing", "kind", "knn", "accuracy", "sklearn.svm.SVC"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["log", "type"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=50)
@given(place=st.sampled_from(list(places(TREE))), value=ANYTHING)
def test_whatever_stands_at_any_place_is_taken_or_told(place, value):
    tree = copy.deepcopy(TREE)
    *above, last = place
    functools.reduce(operator.getitem, above, tree)[last] = value
    text = io.StringIO()
    YAML(typ="safe").dump(tree, text)
    try:
        parse_task(text.getvalue(), "t.yaml")
        told = None
    except InputError as error:
        told = error
    if told is not None:
        assert str(told).startswith("t.yaml:")
        json.dumps(told.as_dict(), allow_nan=False)


def test_the_schema_for_editors_takes_the_shipped_task_and_refuses_a_misspelt_key():
    path = Path(__file__).parents[3] / "tasks" / "penguins.yaml"
    tree = json.loads(json.dumps(YAML(typ="safe").load(path)))
    schema = task_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tree, schema)
    with pytest.raises(jsonschema.ValidationError, match="metrics"):
        jsonschema.validate(tree | {"metrics": "accuracy"}, schema)
