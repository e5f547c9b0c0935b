"""Scoring what was answered with a second version, when there is time for it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rookery.core.records import InvalidRecords, Row
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.predictor.interface import Outcome
from rookery.serving.shadow.comparing import (
    Answered,
    NotComparable,
    agreements,
    difference,
    refusal,
    rows_of,
)
from rookery.serving.shadow.follower import ShadowFollower

# rows that may wait; a request that does not fit is dropped and counted
MOST_ROWS = 50_000
# of one call: the interpreter is soon free for requests again
SLICE = 64
PAUSE_SECONDS = 0.05
# after each slice, as a multiple of the time that it took: a tenth of one core at most
REST = 9.0
STOP_SECONDS = 1.0
logger = logging.getLogger("rookery.serving")


@dataclass(frozen=True)
class Trouble:
    """Why a version could not be compared, last."""

    version: str
    message: str


@dataclass(frozen=True)
class Scored:
    """What a version says of a record."""

    version: str
    label: Any


class Shadow:
    """Compares the version that `SHADOW` names with the one that answers.

    A request costs one `append`; all else is done by a thread of its own, which rests nine times
    as long as it works. What was answered is kept with the version that did, and scored with the
    shadow of that moment: a swap of either changes the labels of what comes after, and of nothing
    that was counted.
    """

    def __init__(self, follower: ShadowFollower, metrics: Metrics) -> None:
        self.follower = follower
        self.name = follower.name
        self.counts = metrics.shadow
        self.trouble: Trouble | None = None
        self._answered: deque[Answered] = deque()
        self._taken = 0  # rows, the event loop's count
        self._gone = 0  # of them, the thread's
        self._dropped = self.counts.skipped.labels(self.name, "dropped")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"shadow-{self.name}", daemon=True)

    def start(self) -> None:
        self.follower.start()
        self._thread.start()

    def stop(self) -> None:
        """What still waits is not scored."""
        self.follower.stop()
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def see(self, by: Loaded, rows: Sequence[Row], outcome: Outcome) -> None:
        """Takes what a version answered; of the event loop, and never waits."""
        if self.follower.loaded is None:
            return
        if self.waiting + len(rows) > MOST_ROWS:
            self._dropped.inc(len(rows))
            return
        self._taken += len(rows)
        self._answered.append(Answered(by, rows, outcome.labels))

    @property
    def waiting(self) -> int:
        """Rows that are not scored yet."""
        return self._taken - self._gone

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            while self._answered and not self._stopping.is_set():
                for part in self._parts(self._together()):
                    started = time.perf_counter()
                    self.compare(part)
                    if self._stopping.wait(REST * (time.perf_counter() - started)):
                        return

    def _together(self) -> Answered:
        """What waits longest, with what the same version answered after it."""
        first = self._answered.popleft()
        rows, labels = list(first.rows), list(first.labels)
        while self._answered and self._answered[0].by is first.by and len(rows) < SLICE:
            more = self._answered.popleft()
            rows += more.rows
            labels += more.labels
        return Answered(first.by, rows, labels)

    def _parts(self, answered: Answered) -> Iterator[Answered]:
        for start in range(0, len(answered.rows), SLICE):
            part = slice(start, start + SLICE)
            rows = answered.rows[part]
            yield Answered(answered.by, rows, answered.labels[part])
            self._gone += len(rows)

    def compare(self, answered: Answered) -> None:
        """Scores rows and counts what came of it; one that cannot be, harms no other."""
        shadow = self.follower.loaded
        if shadow is None or shadow.identity == answered.by.identity:
            return
        try:
            self._count(answered, shadow)
        except Exception as error:  # whatever a model raises: nobody waits for this answer
            if len(answered.rows) > 1:
                for row, label in zip(answered.rows, answered.labels, strict=True):
                    self.compare(Answered(answered.by, [row], [label]))
            else:
                self._skip(shadow, error)

    def _count(self, answered: Answered, shadow: Loaded) -> None:
        labels = shadow.predictor.predict(rows_of(answered, shadow)).labels
        versions = self.name, answered.by.description.version, shadow.description.version
        if shadow.description.labels is None:
            found, counter = difference(answered, labels), self.counts.differences
        else:
            found, counter = agreements(answered, labels), self.counts.agreements
        self.counts.rows.labels(*versions).inc(len(answered.rows))
        counter.labels(*versions).inc(found)

    def answer(self, record: Any, answered_by: str, *, is_regressor: bool) -> Scored | None:
        """What the shadow says of a record that was asked before; for any thread.

        None where it is the version that answered, of another kind, or has no answer, which is
        counted.
        """
        shadow = self.follower.loaded
        if shadow is None or shadow.description.version == answered_by:
            return None
        if (shadow.description.labels is None) != is_regressor:
            return None
        try:
            (label,) = shadow.predictor.predict(shadow.reader.rows([record])).labels
        except InvalidRecords as error:
            self._skip(shadow, refusal(error, shadow))
        except Exception as error:  # whatever a model raises: the feedback is kept all the same
            self._skip(shadow, error)
        else:
            return Scored(shadow.description.version, label)
        return None

    def _skip(self, shadow: Loaded, error: Exception) -> None:
        version, message = shadow.description.version, str(error)
        reason = "not_comparable" if isinstance(error, NotComparable) else "no_answer"
        if reason == "no_answer":  # not in the model's words, which may hold what it was asked
            message = f"version {version} has no answer: {type(error).__name__}"
        if self.trouble is None or self.trouble.version != version:
            logger.warning("%s: a row was not compared: %s", self.name, message)
        self.trouble = Trouble(version, message)
        self.counts.skipped.labels(self.name, reason).inc()
