"""Every error that a user can meet has an exit code, a status and one shape."""

import json

import pytest

from rookery.errors import (
    Defect,
    InputError,
    NotPromoted,
    Refused,
    RookeryError,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "exit_code", "status"),
    [
        (InputError, 2, 422),
        (NotPromoted, 2, 503),
        (Unavailable, 1, 503),
        (Refused, 3, 409),
        (Defect, 70, 500),
    ],
)
def test_an_error_says_how_to_end_and_how_to_answer(error, exit_code, status):
    raised = error("no")
    assert isinstance(raised, RookeryError)
    assert (raised.exit_code, raised.status) == (exit_code, status)
    assert raised.as_dict()["type"] == error.__name__


def test_an_error_prints_as_its_message_and_as_one_json_object():
    error = InputError(
        "tall is no number", field="a", value="tall", allowed="a number", next="mend"
    )
    assert str(error) == "tall is no number"
    assert json.loads(json.dumps(error.as_dict())) == {
        "type": "InputError",
        "message": "tall is no number",
        "field": "a",
        "value": "tall",
        "allowed": "a number",
        "next": "mend",
    }
    assert set(InputError("no").as_dict()) == set(error.as_dict())
