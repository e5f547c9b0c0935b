"""The endpoints that predict, one record or many."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import TypeVar

from pydantic_core import to_json
from starlette.types import Receive

from rookery.core.records import Fault, InvalidRecords, Row
from rookery.serving.batching import Batcher, Gone, Overloaded
from rookery.serving.bodies import (
    check_values,
    many_records,
    not_finite,
    one_record,
    parse_json,
    read_body,
    require_json,
    too_wide,
)
from rookery.serving.connections import is_gone
from rookery.serving.front import Answer, Headers
from rookery.serving.ids import new_id
from rookery.serving.keys import ApiKey
from rookery.serving.lineage import answering
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.predictor.interface import Outcome
from rookery.serving.problems import MOST_ERRORS, Problem, invalid
from rookery.serving.protocols.plain import plain_rows
from rookery.serving.protocols.rows import Given, as_records
from rookery.serving.rendering import NoFiniteAnswer
from rookery.serving.swap import Follower

Found = TypeVar("Found")
Answers = Sequence[tuple[str, bytes]]  # id and JSON object, one a row
# reading a larger body takes longer than other requests should wait
QUICK_BYTES = 32 * 1024
logger = logging.getLogger("rookery.serving")


@dataclass(frozen=True)
class Asking:
    """What the endpoints of one model share on the way from a body to an outcome."""

    follower: Follower
    batcher: Batcher
    executor: Executor
    key: ApiKey
    most_bytes: int
    most_rows: int
    metrics: Metrics
    log: PredictionLog | None

    async def body(self, headers: Headers, receive: Receive) -> bytes:
        """The body of a request that may ask.

        Raises:
            Problem: 401 for a wrong key, 413 for too many bytes.
        """
        self.key.check(headers)
        return await read_body(headers, receive, self.most_bytes)

    async def off_loop(self, work: Callable[[], Found], size: int) -> Found:
        """Runs work on a body of that size, in a thread if others would have to wait for it."""
        if size <= QUICK_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)

    async def outcome(self, loaded: Loaded, rows: Sequence[Row], receive: Receive) -> Outcome:
        """What the version says of the rows.

        Raises:
            Problem: 422 where it has no answer, 503 where too many rows wait.
        """
        try:
            return await self.batcher.ask(loaded, rows, partial(is_gone, receive))
        except Overloaded:
            raise Problem(
                503, "too many rows wait for their answers", headers={"Retry-After": "1"}
            ) from None
        except Gone:
            raise Problem(400, "the client went away before its answer") from None
        except ValueError as error:
            # valid one by one, yet the estimator has no answer: a gap it cannot fill, an overflow
            one = loaded.description
            logger.warning("%s version %s has no answer: %r", one.name, one.version, error)
            # not its words: an estimator's may hold what it read on this host
            raise no_answer(f"{type(error).__name__}; the server's log has its words") from error

    def note(
        self, loaded: Loaded, given: Sequence[bytes], answers: Answers, started: float
    ) -> None:
        """Counts and logs what is answered; `given` are the records as JSON."""
        self.metrics.count_predictions(loaded, len(answers))
        if self.log is None:
            return
        one = loaded.description
        now, taken = time.time_ns() // 1000, time.perf_counter() - started
        numbers = [number for number, _ in answers]
        said = [answer for _, answer in answers]
        self.log.add_many(numbers, now, one.name, one.version, given, said, taken)

    async def note_rows(
        self, loaded: Loaded, rows: Sequence[Row], answers: Answers, started: float, size: int
    ) -> None:
        """The same for rows of a body of that size; nothing is written where nothing is logged."""
        logged = rows if self.log else ()
        self.note(
            loaded, await self.off_loop(lambda: records_of(loaded, logged), size), answers, started
        )


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
        if len(body) <= QUICK_BYTES:
            rows = row_of(loaded, body)
        else:
            rows = await asking.off_loop(lambda: row_of(loaded, body), len(body))
        outcome = await asking.outcome(loaded, rows, receive)
        answers = answers_of(loaded, outcome)
        # as it came, unless blanks or unused columns would fill the log
        given = [body] if len(body) <= QUICK_BYTES else records_of(loaded, rows)
        asking.note(loaded, given, answers, started)
        return Answer(answers[0][1])


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
        outcome = await asking.outcome(loaded, rows, receive)
        answers = await asking.off_loop(lambda: answers_of(loaded, outcome), len(body))
        await asking.note_rows(loaded, rows, answers, started, len(body))
        listed = b",".join([answer for _, answer in answers])
        return Answer(b'{"predictions":[' + listed + b"]}")


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
    check_values(body, most, len(loaded.reader.fields) + len(loaded.reader.ignored))
    return checked(loaded, many_records(parse_json(body), most))


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


def answers_of(loaded: Loaded, outcome: Outcome) -> Answers:
    """Ids and answers as JSON objects.

    Raises:
        Problem: 422, one of them is not a finite number.
    """
    render = loaded.renderer.answer
    scores = outcome.scores if outcome.scores is not None else repeat(None)
    found = []
    try:
        for label, shares in zip(outcome.labels, scores, strict=False):
            number = new_id()
            found.append((number, render(label, shares, number)))
    except NoFiniteAnswer:
        raise no_answer("its answer is not a finite number") from None
    return found


def records_of(loaded: Loaded, rows: Sequence[Row]) -> list[bytes]:
    """The rows as JSON objects, as they were understood."""
    names = loaded.names
    return [to_json(dict(zip(names, row, strict=True))) for row in rows]


def no_answer(reason: str) -> Problem:
    message = f"the model has no answer for this: {reason}"
    return invalid([Fault("record", None, "values like those the model was trained on", message)])


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
