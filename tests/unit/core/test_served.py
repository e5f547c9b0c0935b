"""What is said of a version, and the form of its answers."""

import pytest

from rookery.core.records import InvalidRecords, RecordField
from rookery.core.served import Description, Lineage

LINEAGE = Lineage("run", "digest", "commit", {"holdout_accuracy": 1.0}, {}, "logistic_regression")
FIELDS = (RecordField("mass", "float", example=4.5), RecordField("sex", "text", required=False))


def description(**changed):
    given = {
        "name": "penguins",
        "version": "3",
        "registered": 1,
        "model_digest": "abc",
        "title": "Penguins",
        "fields": FIELDS,
        "ignored": ("year",),
        "target": RecordField("species", "text"),
        "classes": ("Adelie", "Gentoo"),
        "labels": ("Adelie", "Gentoo"),
        "lineage": LINEAGE,
    }
    return Description(**(given | changed))


def test_an_answer_names_label_probabilities_version_and_id():
    assert description().answer("Gentoo", [0.25, 0.75], "one") == {
        "prediction": "Gentoo",
        "probabilities": {"Adelie": 0.25, "Gentoo": 0.75},
        "model": "penguins",
        "version": "3",
        "id": "one",
    }


def test_an_answer_without_probabilities_has_no_such_key():
    found = description(classes=(), labels=None).answer(3.5, None, "one")
    assert found == {"prediction": 3.5, "model": "penguins", "version": "3", "id": "one"}


def test_classes_that_are_truth_values_are_named_as_such():
    found = description(classes=(False, True)).answer(True, [0.1, 0.9], "one")
    assert (found["prediction"], list(found["probabilities"])) == (True, ["False", "True"])


def test_the_example_is_a_record_and_a_row_that_the_model_answers():
    assert description().example == {"mass": 4.5}
    assert description().example_row == (4.5, None)
    assert description(fields=(RecordField("mass", "float"),)).example_row is None


def test_columns_that_the_model_does_not_use_may_be_sent_but_not_unknown_ones_or_the_target():
    reader = description().reader(strict=True)
    assert reader.rows([description().example | {"year": 2007}]) == [(4.5, None)]
    for unknown in ("colour", "species"):
        with pytest.raises(InvalidRecords, match=f"{unknown} is not a field of this model"):
            reader.rows([description().example | {unknown: "black"}])
