"""Answers as bytes."""

import json
import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from pydantic_core import to_json
from tests.unit.serving.served_versions import described

from rookery.core.served import Description
from rookery.serving.predictor.interface import Outcome
from rookery.serving.rendering import NoFiniteAnswer, Renderer, check_finite, records

ODD = ["%", "%s", "%%d", '"', "\\", "\n", "\u2028", "Süd", "🐧", "{}", "\x00", ""]
NAMES = st.one_of(st.sampled_from(ODD), st.text())
LABELS = st.one_of(
    st.lists(NAMES, min_size=1, unique=True),
    st.lists(st.integers(), min_size=1, unique=True),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, unique=True),
    st.just([False, True]),
)
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def renderer(one: Description) -> Renderer:
    return Renderer(one.name, one.version, one.classes, one.labels or ())


def as_json(description: Description, label: Any, scores: list[float] | None) -> bytes:
    return json.dumps(description.answer(label, scores, ID), separators=(",", ":")).encode()


def plain(answer: str | bytes) -> bytes:
    """The same as Python spells its numbers: 0.00001 is 1e-05."""
    return json.dumps(json.loads(answer), separators=(",", ":")).encode()


@given(name=NAMES, version=NAMES, labels=LABELS, data=st.data())
def test_a_classifiers_answer_is_the_described_one_as_json(
    name: str, version: str, labels: list[Any], data: st.DataObject
) -> None:
    described_ = described(name, version, tuple(labels), tuple(labels))
    spelt_alike = st.one_of(st.just(0.0), st.floats(1e-4, 1))
    scores = [data.draw(spelt_alike) for _ in labels]
    label = data.draw(st.sampled_from(labels))
    assert renderer(described_).answer(label, scores, ID) == as_json(described_, label, scores)
    many = renderer(described_).answers(Outcome([label] * 3, [scores] * 3), [ID] * 3)
    assert [one.encode() for one in many] == [as_json(described_, label, scores)] * 3


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_probabilities_read_back_as_they_were(scores: list[float]) -> None:
    two = described(classes=("a", "b"), labels=("a", "b"))
    (many,) = renderer(two).answers(Outcome(["a"], [scores]), [ID])
    for found in (renderer(two).answer("a", scores, ID), many):
        assert plain(found) == as_json(two, "a", scores)


@given(name=NAMES, labels=LABELS, data=st.data())
def test_a_classifier_without_probabilities_answers_with_its_label(
    name: str, labels: list[Any], data: st.DataObject
) -> None:
    described_ = described(name, labels=tuple(labels))
    label = data.draw(st.sampled_from(labels))
    assert renderer(described_).answer(label, None, ID) == as_json(described_, label, None)


@given(label=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers()))
def test_a_regressors_answer_is_the_described_one_as_json(label: float) -> None:
    assert renderer(described()).answer(label, None, ID) == as_json(described(), label, None)


def test_a_regressor_of_several_targets_answers_with_a_list() -> None:
    label = [1.5, -2.0]
    assert renderer(described()).answer(label, None, ID) == as_json(described(), label, None)


@pytest.mark.parametrize("label", [True, 1, 1.0, "1", False, 0, 0.0, "0", "True"])
def test_labels_that_are_equal_or_look_alike_keep_their_type(label: Any) -> None:
    both = described(labels=(True, False, 1, 0, 1.0, 0.0, "1", "0"))
    answer = json.loads(renderer(both).answer(label, None, ID))["prediction"]
    assert (type(answer), answer) == (type(label), label)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_in_json_is_no_answer(wrong: float) -> None:
    with pytest.raises(NoFiniteAnswer):
        renderer(described()).answer(wrong, None, ID)
    with pytest.raises(NoFiniteAnswer):
        renderer(described()).answer([1.0, wrong], None, ID)
    two = renderer(described(classes=("a", "b"), labels=("a", "b")))
    for scores in ([wrong, 0.5], [0.5, wrong], [wrong, -wrong]):
        with pytest.raises(NoFiniteAnswer):
            two.answer("a", scores, ID)
        with pytest.raises(NoFiniteAnswer):
            check_finite(Outcome(["a", "b"], [[0.5, 0.5], scores]))
    with pytest.raises(NoFiniteAnswer):
        check_finite(Outcome([1.0, wrong, -wrong], None))
    with pytest.raises(NoFiniteAnswer):
        renderer(described()).answers(Outcome([[1.0, 2.0], [1.0, wrong]], None), [ID] * 2)


def test_many_answers_of_a_regressor_are_the_described_ones() -> None:
    labels = [1.5, -2.0, 1e300, 3.0]
    found = renderer(described()).answers(Outcome(labels, None), [ID] * 4)
    assert [one.encode() for one in found] == [as_json(described(), one, None) for one in labels]
    check_finite(Outcome([1.7e308, 1.7e308], None))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.datetimes(), NAMES, st.floats(allow_nan=False)
)


@example((["of a sensor"], [(math.inf,), (math.nan,), (1.5,)]))
@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.tuples(
            st.just(names), st.lists(st.tuples(*[VALUES] * len(names)), min_size=1, max_size=4)
        )
    )
)
def test_records_are_the_rows_as_json(drawn: tuple[list[str], list[tuple[Any, ...]]]) -> None:
    names, rows = drawn
    wanted = [json.loads(to_json(dict(zip(names, row, strict=True)))) for row in rows]
    assert [json.loads(text) for text in records(names, rows)] == wanted
