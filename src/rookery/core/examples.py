"""Records with the answers that their model gave before it was packaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from rookery.core.equality import ANSWER_TOLERANCE, answer_gap


@dataclass(frozen=True)
class Examples:
    """`answers` are the API's, one a record, without their ids."""

    model: str
    version: str
    records: tuple[dict[str, Any], ...]
    answers: tuple[dict[str, Any], ...]

    def difference(self, place: int, answer: Mapping[str, Any]) -> str | None:
        """What an answer to the record of that place says otherwise; None where it is right.

        Labels, model and version must be equal; numbers within 1e-9.
        """
        expected = self.answers[place]
        for name in ("model", "version"):
            if answer.get(name) != expected[name]:
                return f"record {place}: {name} {answer.get(name)!r}, not {expected[name]!r}"
        if "prediction" not in answer:
            return f"record {place}: no prediction"
        same, gap = answer_gap(expected, answer)
        if same and gap <= ANSWER_TOLERANCE:
            return None
        if expected["prediction"] != answer["prediction"]:
            return f"record {place}: {answer['prediction']!r}, expected {expected['prediction']!r}"
        return f"record {place}: probabilities are {gap:.3g} apart, {ANSWER_TOLERANCE:g} is allowed"


_EXAMPLES = TypeAdapter(Examples)


def examples_as_json(examples: Examples) -> bytes:
    return to_json(examples, indent=2)


def examples_of(data: bytes) -> Examples:
    """What was written by `examples_as_json`.

    Raises:
        ValueError: it is something else, or has no record.
    """
    try:
        found = _EXAMPLES.validate_json(data)
    except ValidationError as error:
        raise ValueError(f"no examples: {error.errors()[0]['msg']}") from None
    if not found.records or len(found.records) != len(found.answers):
        raise ValueError(f"{len(found.records)} records and {len(found.answers)} answers")
    if not all({"model", "version", "prediction"} <= answer.keys() for answer in found.answers):
        raise ValueError("an answer without model, version or prediction")
    return found
