"""From the bytes of a request to the bytes of its answer; runs in a thread, never on the loop."""

import logging
import math
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from rookery.core.records import Fault, InvalidRecords
from rookery.core.served import ServedModel
from rookery.serving.bodies import many_records, not_finite, one_record, parse_json, too_wide
from rookery.serving.problems import MOST_ERRORS, Problem, invalid
from rookery.serving.swap import Loaded

logger = logging.getLogger("rookery.serving")


def answer_one(loaded: Loaded, body: bytes) -> bytes:
    """The answer to one record.

    Raises:
        Problem: 400 or 422.
    """
    (answer,) = _answers(loaded, one_record(parse_json(body)))
    return to_json(answer)


def answer_many(loaded: Loaded, body: bytes, most: int) -> tuple[bytes, int]:
    """The answers to a list of records, in their order, and how many they are.

    Raises:
        Problem: 400, 413 or 422; then no record is answered.
    """
    answers = _answers(loaded, many_records(parse_json(body), most))
    return to_json({"predictions": answers}), len(answers)


def _answers(loaded: Loaded, records: list[Any]) -> list[dict[str, Any]]:
    model = loaded.model
    wide = too_wide(records, len(model.fields) + len(model.ignored))
    if wide:
        raise invalid(wide, complete=len(wide) < MOST_ERRORS)
    try:
        frame = loaded.reader.frame(records)
    except InvalidRecords as error:
        told = [_told(fault, model) for fault in error.faults]
        raise invalid(told, complete=error.complete) from None
    faults = not_finite(records, model.ignored)
    if faults:
        raise invalid(faults, complete=len(faults) < MOST_ERRORS)
    try:
        answers = model.predict(frame)
    except ValueError as error:
        # valid one by one, yet the estimator has no answer: a gap it cannot fill, an overflow
        logger.warning("%s version %s has no answer: %s", model.name, model.version, error)
        # not its words: an estimator's may hold what it read on this host
        raise _no_answer(f"{type(error).__name__}; the server's log has its words") from error
    if not all(map(_is_finite, answers)):
        raise _no_answer("its answer is not a finite number")
    return answers


def _told(fault: Fault, model: ServedModel) -> Fault:
    """The column that the model predicts gets a message of its own."""
    target = model.task.target if model.task else None
    inputs = {field.name for field in model.fields}
    if target is None or target in inputs or fault.field.rpartition(".")[2] != target:
        return fault
    return replace(
        fault,
        allowed="leave it out",
        message=f"{fault.field} is what {model.name} predicts; leave it out of the record",
    )


def _no_answer(reason: str) -> Problem:
    message = f"the model has no answer for this: {reason}"
    return invalid([Fault("record", None, "values like those the model was trained on", message)])


def _is_finite(answer: dict[str, Any]) -> bool:
    label = answer["prediction"]
    numbers = [label] if isinstance(label, float) else []
    return all(map(math.isfinite, [*numbers, *answer.get("probabilities", {}).values()]))
