"""The endpoints that predict, one record or many."""

import time
from dataclasses import replace

from starlette.types import Receive

from rookery.core.records import Fault, InvalidRecords, Row
from rookery.serving.asking import QUICK_BYTES, Answered, Asking, not_finite_answer
from rookery.serving.bodies import (
    check_values,
    many_records,
    not_finite,
    one_record,
    parse_json,
    read_json,
    require_json,
    too_wide,
)
from rookery.serving.front import Answer, Headers
from rookery.serving.ids import new_id
from rookery.serving.lineage import answering
from rookery.serving.loaded import Loaded
from rookery.serving.predictor.interface import Outcome
from rookery.serving.problems import MOST_ERRORS, Problem, invalid
from rookery.serving.protocols.plain import plain_rows
from rookery.serving.protocols.rows import Given, as_records
from rookery.serving.rendering import NoFiniteAnswer, records


class PredictOne:
    """One record in, one prediction out."""

    body_of = staticmethod(Problem.body)

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    async def __call__(self, headers: Headers, receive: Receive) -> Answer:
        asking, started = self.asking, time.perf_counter()
        loaded = answering(asking.follower)
        require_json(headers)
        body = await asking.body(headers, receive)
        rows = await asking.off_loop(lambda: row_of(loaded, body), len(body))
        outcome = await asking.outcome(loaded, rows, receive)
        # as it came, unless blanks or unused columns would fill the log
        given = body if len(body) <= QUICK_BYTES else records(loaded.names, rows)[0].encode()
        return Answer(answer_of(asking, loaded, outcome, given, started))


class PredictMany:
    """Many records in, as many predictions out, in the same order and by the same version."""

    body_of = staticmethod(Problem.body)

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    async def __call__(self, headers: Headers, receive: Receive) -> Answer:
        asking, started = self.asking, time.perf_counter()
        loaded = answering(asking.follower)
        require_json(headers)
        body = await asking.body(headers, receive)
        rows = await asking.off_loop(lambda: rows_of(loaded, body, asking.most_rows), len(body))
        answered = await asking.many(loaded, rows, receive, started)
        return Answer(await asking.off_loop(lambda: listed(answered), len(body)))


def row_of(loaded: Loaded, body: bytes) -> list[Row]:
    """The row of a body that holds one record.

    Raises:
        Problem: 400, 413 or 422.
    """
    check_values(body)
    row = loaded.reader.row(body)
    return checked(loaded, one_record(parse_json(body))) if row is None else [row]


def rows_of(loaded: Loaded, body: bytes, most: int) -> list[Row]:
    """The rows of a body that holds a list of records.

    Raises:
        Problem: 400, 413 or 422; then no record is answered.
    """
    known = len(loaded.reader.fields) + len(loaded.reader.ignored)
    return checked(loaded, many_records(read_json(body, known, most), most))


def checked(loaded: Loaded, given: Given) -> list[Row]:
    """The rows of records, whatever protocol brought them.

    Raises:
        Problem: 422, with every fault there is room for.
    """
    reader = loaded.reader
    plain = plain_rows(given, reader.fields, reader.ignored)
    if plain is not None:
        return plain
    records = as_records(given)
    wide = too_wide(records, len(reader.fields) + len(reader.ignored))
    if wide:
        raise invalid(wide, complete=len(wide) < MOST_ERRORS)
    try:
        rows = reader.rows(records)
    except InvalidRecords as error:
        told = [_told(fault, loaded) for fault in error.faults]
        raise invalid(told, complete=error.complete) from None
    faults = not_finite(records, reader.ignored)
    if faults:
        raise invalid(faults, complete=len(faults) < MOST_ERRORS)
    return rows


def answer_of(
    asking: Asking, loaded: Loaded, outcome: Outcome, given: bytes, started: float
) -> bytes:
    """The answer to one record as JSON, counted and logged.

    Raises:
        Problem: 422, it is not a finite number.
    """
    number, scores = new_id(), outcome.scores[0] if outcome.scores is not None else None
    try:
        said = loaded.renderer.answer(outcome.labels[0], scores, number)
    except NoFiniteAnswer:
        raise not_finite_answer() from None
    asking.note(loaded, number, given, said, started)
    return said


def listed(answered: Answered) -> bytes:
    """The answers to many records, as one JSON object."""
    answers = answered.loaded.renderer.answers(answered.outcome, answered.numbers)
    return ('{"predictions":[' + ",".join(answers) + "]}").encode()


def _told(fault: Fault, loaded: Loaded) -> Fault:
    """The column that the model predicts gets a message of its own."""
    one = loaded.description
    target = one.target.name if one.target else None
    if target is None or target in loaded.names or fault.field.rpartition(".")[2] != target:
        return fault
    return replace(
        fault,
        allowed="leave it out",
        message=f"{fault.field} is what {one.name} predicts; leave it out of the record",
    )
