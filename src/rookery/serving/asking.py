"""The way of a request from its body to an outcome that is counted and logged."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.types import Receive

from rookery.core.records import Fault, Row
from rookery.serving.batching import Batcher, Gone, Overloaded
from rookery.serving.bodies import read_body
from rookery.serving.connections import is_gone
from rookery.serving.front import Headers
from rookery.serving.ids import new_series, series
from rookery.serving.keys import ApiKey
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.prediction_log.rows import Rows
from rookery.serving.predictor.interface import Outcome
from rookery.serving.problems import Problem, invalid
from rookery.serving.rendering import NoFiniteAnswer, check_finite
from rookery.serving.swap import Follower

Found = TypeVar("Found")
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
        except (Gone, ValueError) as error:
            raise why_none(loaded, error) from error

    def note(self, loaded: Loaded, number: str, given: bytes, said: bytes, started: float) -> None:
        """Counts and logs one answer; what was given is its record as JSON."""
        self.metrics.count_predictions(loaded, 1)
        if self.log is not None:
            one, seconds = loaded.description, time.perf_counter() - started
            self.log.add((number, _now(), one.name, one.version, given, said, seconds))

    async def many(
        self, loaded: Loaded, rows: Sequence[Row], receive: Receive, started: float
    ) -> "Answered":
        """What the version says of the rows of one request, counted and logged.

        Raises:
            Problem: as `outcome`; 422 too where an answer is not a finite number.
        """
        outcome = await self.outcome(loaded, rows, receive)
        try:
            check_finite(outcome)
        except NoFiniteAnswer:
            raise not_finite_answer() from None
        answered = Answered(loaded, outcome, new_series())
        self.metrics.count_predictions(loaded, len(rows))
        if self.log is not None:
            self.log.add_rows(answered.logged(rows, time.perf_counter() - started))
        return answered


@dataclass(frozen=True)
class Answered:
    """What a version said of many rows; their ids count up from `first`."""

    loaded: Loaded
    outcome: Outcome
    first: str

    @property
    def numbers(self) -> list[str]:
        return series(self.first, len(self.outcome.labels))

    def logged(self, rows: Sequence[Row], seconds: float) -> Rows:
        one, said = self.loaded.description, self.outcome
        return Rows(
            first=self.first,
            at=_now(),
            model=one.name,
            version=one.version,
            seconds=seconds,
            names=self.loaded.names,
            classes=one.classes,
            rows=rows,
            labels=said.labels,
            scores=said.scores,
        )


def why_none(loaded: Loaded, error: Gone | ValueError) -> Problem:
    """Why there is no outcome."""
    if isinstance(error, Gone):
        return Problem(400, "the client went away before its answer")
    # valid one by one, yet the estimator has no answer: a gap it cannot fill, an overflow
    one = loaded.description
    logger.warning("%s version %s has no answer: %r", one.name, one.version, error)
    # not its words: an estimator's may hold what it read on this host
    return no_answer(f"{type(error).__name__}; the server's log has its words")


def not_finite_answer() -> Problem:
    return no_answer("its answer is not a finite number")


def no_answer(reason: str) -> Problem:
    message = f"the model has no answer for this: {reason}"
    return invalid([Fault("record", None, "values like those the model was trained on", message)])


def _now() -> int:
    return time.time_ns() // 1000
