"""Records with the answers that are expected to them."""

import json
from dataclasses import replace

import pytest

from rookery.core.examples import Examples, examples_as_json, examples_of

KIND = {"prediction": "Adelie", "probabilities": {"Adelie": 0.75, "Gentoo": 0.25}}
PRICE = {"prediction": 250_000.0}
NAMED = {"model": "penguins", "version": "3"}


def examples(answer: dict) -> Examples:
    return Examples("penguins", "3", ({"mass": 3750, "sex": None},), (answer | NAMED,))


@pytest.mark.parametrize("answer", [KIND, PRICE])
def test_the_same_answer_is_right_whatever_its_id(answer):
    assert examples(answer).difference(0, answer | NAMED | {"id": "7"}) is None


@pytest.mark.parametrize(
    ("answer", "changes", "said"),
    [
        (KIND, {"prediction": "Gentoo"}, "'Gentoo', expected 'Adelie'"),
        (KIND, {"probabilities": {"Adelie": 0.75 + 2e-9, "Gentoo": 0.25}}, "apart"),
        (KIND, {"probabilities": {"Adelie": 0.75}}, "apart"),
        (KIND, {"version": "4"}, "version '4', not '3'"),
        (KIND, {"model": "flats"}, "model 'flats'"),
        (PRICE, {"prediction": 250_000.001}, "expected 250000.0"),
    ],
)
def test_another_answer_is_told_with_what_was_expected(answer, changes, said):
    assert said in examples(answer).difference(0, answer | NAMED | changes)


@pytest.mark.parametrize("found", [{}, NAMED, {"detail": "no"}])
def test_what_is_no_answer_is_none(found):
    assert examples(KIND).difference(0, found)


@pytest.mark.parametrize(
    ("answer", "near"),
    [
        (KIND, {"probabilities": {"Adelie": 0.75 + 1e-12, "Gentoo": 0.25 - 1e-12}}),
        (PRICE, {"prediction": 250_000.0 + 1e-6}),
    ],
)
def test_sums_added_in_another_order_are_the_same_answer(answer, near):
    assert examples(answer).difference(0, answer | NAMED | near) is None


@pytest.mark.parametrize("answer", [KIND, PRICE])
def test_what_is_written_is_read_again(answer):
    found = examples(answer)
    assert examples_of(examples_as_json(found)) == found


def test_what_is_something_else_is_refused():
    good = json.loads(examples_as_json(examples(KIND)))
    none = examples_as_json(replace(examples(KIND), records=(), answers=()))
    for text in (b"", b"[]", b"{}", b"\xff", none, json.dumps(good | {"answers": []}).encode()):
        with pytest.raises(ValueError, match=r"examples|records"):
            examples_of(text)
    with pytest.raises(ValueError, match="without"):
        examples_of(json.dumps(good | {"answers": [{"prediction": "Adelie"}]}).encode())
