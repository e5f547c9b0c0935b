"""What a task file may ask, and how its mistakes are told."""

import pytest
from pydantic import ValidationError

from rookery.core.checks import declared, faults, run


def test_a_task_without_checks_asks_for_its_packed_forms(priced):
    assert [check.id for check in declared(priced())] == ["packaging-skops", "packaging-converted"]
    assert declared(priced(), packed=False) == []


def test_each_check_has_a_readable_name(priced):
    task = priced(
        invariance={"lift": 0.1},
        direction={"area": "up"},
        per_bin={"minimum": {"mae": 50, "r2": 0.1}},
        per_segment={"district": {"minimum": {"mae": 50}}},
        missing={"columns": {"area": 10}, "cells": {"share": 0.1, "worse_by": 1}},
    )
    assert [check.id for check in declared(task, packed=False)] == [
        "invariance-lift",
        "direction-area",
        "per_bin-mae",
        "per_bin-r2",
        "per_segment-district-mae",
        "missing-area",
        "missing-cells",
    ]


MISTAKES = [
    ({"invariance": {"floor": 0.1}}, "'floor' is not allowed here.*area, rooms"),
    ({"invariance": {"y": 0.1}}, "'y' is not allowed here"),
    ({"invariance": {"lift": 1.5}}, "less than or equal to 1"),
    ({"direction": {"district": "up"}}, "a number that the model takes: area, rooms"),
    ({"direction": {"area": "upwards"}}, "'up' or 'down'"),
    ({"direction": {"area": {"goes": "up", "class": "p"}}}, "no class, for a number"),
    ({"direction": {"rooms": {"goes": "up", "by": 0.5}}}, "a whole number, as rooms is one"),
    ({"per_class": {"minimum": {"recall": 0.5}}}, "per_bin"),
    ({"per_bin": {"minimum": {"accuracy": 0.5}}}, "one of rmse, mae"),
    ({"per_bin": {"minimum": {"mae": 5}, "edges": [2, 1]}}, "numbers, each above the last"),
    ({"per_bin": {"minimum": {}}}, "at least 1"),
    ({"per_segment": {"agent": {"minimum": {"mae": 5}}}}, "a category, boolean, float or integer"),
    ({"missing": {"columns": {"rooms": 1}}}, "required: rows without it never reach the model"),
    ({"missing": {"columns": {"agent": 1}}}, "may lack a value: area"),
    ({"missing": {"metric": "f1"}}, "one of rmse, mae"),
    ({"nonsense": {}}, "Extra inputs"),
]


@pytest.mark.parametrize(("checks", "message"), MISTAKES)
def test_a_check_that_does_not_fit_the_task_is_refused(priced, checks, message):
    with pytest.raises(ValidationError, match=rf"(?s){message}"):
        priced(**checks)


def test_a_class_has_to_be_one_of_the_task(classed, make_task):
    with pytest.raises(ValidationError, match=r"one of p, q, or '\*' for all others"):
        classed(per_class={"minimum": {"recall": {"r": 0.5}}})
    with pytest.raises(ValidationError, match="one of p, q"):
        classed(direction={"area": {"goes": "up", "class": "r"}})
    three = {"type": "category", "values": ["p", "q", "r"], "required": True}
    with pytest.raises(ValidationError, match=r"'no class' is not allowed here.*one of p, q, r"):
        make_task({"area": {"type": "float"}}, y=three, checks={"direction": {"area": "up"}})


def test_a_check_that_cannot_be_run_does_not_pass(priced, asked_of):
    first, *_ = declared(priced())
    found = run(first, asked_of(priced()))  # whose forms nobody made
    assert (found.passed, found.value) == (False, None)
    assert "could not be run: KeyError" in found.says


def test_the_gate_is_told_of_those_that_failed_only(priced, asked_of):
    task = priced(direction={"area": "up", "rooms": {"goes": "down", "share": 1.0}})
    asked = asked_of(task)
    results = [run(check, asked) for check in declared(task, packed=False)]
    told = faults(results)
    assert len(told) == sum(not each.passed for each in results)
    assert all(each.startswith("check direction ") for each in told)
