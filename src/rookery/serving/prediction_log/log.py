"""The prediction log of one process."""

import logging
import threading
import time
from pathlib import Path
from typing import cast

from rookery.serving.ids import place_in
from rookery.serving.prediction_log.blocks import encode
from rookery.serving.prediction_log.rows import Entry, Fields, Rows
from rookery.serving.prediction_log.sender import Sender
from rookery.serving.prediction_log.spool import Spool, age_seconds

INTERVAL_SECONDS = 0.25
# a quarter of a millisecond, then requests have the interpreter again
SLICE = 250
# of one request: below, a block of their own would cost the database more than it saves here
FEW = 10
REST_SECONDS = 0.001
# in memory, while the disk hangs
MOST_IN_MEMORY = 200_000
SPOOL_BYTES = 256 * 2**20
FINISH_SECONDS = 5.0
CALM_SECONDS = 1.0
WARN_SECONDS = 60.0
logger = logging.getLogger("rookery.serving")


class PredictionLog:
    """Takes predictions from the event loop at the price of a list's `append`.

    `written` were handed to the disk, `sent` are in the database, `lost` are in neither.
    """

    def __init__(self, folder: Path, url: str, spool_bytes: int = SPOOL_BYTES) -> None:
        self._entries: list[Fields | Rows] = []
        self._taken = 0  # predictions, the event loop's count
        self._gone = 0  # of them, the writer's
        self._spool = Spool(folder)
        self._limit = spool_bytes
        self._sender = Sender(self._spool, url, self._may_hurry)
        self._seen, self._seen_at = 0, 0.0  # what was taken, as the sender saw it grow
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, name="prediction-writer", daemon=True),
            threading.Thread(target=self._sender.run, name="prediction-sender", daemon=True),
        ]
        self.written = 0
        self._overflown = 0  # the event loop's count
        self._dropped = 0  # the writer's
        self._disk_error: str | None = None
        self._warn_at = 0.0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def add(self, entry: Fields) -> None:
        """One prediction, in the order of `Entry`."""
        if self._has_room(1):
            self._entries.append(entry)

    def add_rows(self, rows: Rows) -> None:
        """The predictions of one request."""
        if not self._has_room(len(rows)):
            return
        if len(rows) < FEW:
            self._entries += rows.entries()
        else:
            self._entries += [rows[at : at + SLICE] for at in range(0, len(rows), SLICE)]

    def _has_room(self, count: int) -> bool:
        if self._taken - self._gone < MOST_IN_MEMORY:
            self._taken += count
            return True
        self._overflown += count
        return False

    def find(self, id: str) -> Entry | None:  # noqa: A002
        """A prediction that is not sent yet, this process's or any in the spool; reads files."""
        # in the order in which a prediction moves, so that none slips by
        kept = next(filter(None, (_entry_of(one, id) for one in self._entries[:])), None)
        return kept or self._spool.find(id)

    def stop(self, seconds: float = FINISH_SECONDS) -> None:
        """Keeps everything on disk, and sends it if the database answers in that time."""
        deadline = time.monotonic() + seconds
        self._stopping.set()
        writer, sender = self._threads
        writer.join()
        self._sender.finish(deadline - time.monotonic())
        sender.join(max(0.0, deadline - time.monotonic()) + 0.5)
        if not sender.is_alive():
            self._spool.leave()

    @property
    def lost(self) -> int:
        return self._overflown + self._dropped + self._sender.lost

    @property
    def sent(self) -> int:
        return self._sender.sent

    @property
    def last_error(self) -> str | None:
        """What keeps predictions from the disk or the database now."""
        return self._disk_error or self._sender.last_error

    @property
    def spool_bytes(self) -> int:
        return sum(self._spool.sizes().values())

    @property
    def spool_segments(self) -> int:
        return len(self._spool.sizes())

    @property
    def oldest_unsent_seconds(self) -> float:
        return max(map(age_seconds, self._spool.sizes()), default=0.0)

    def _may_hurry(self) -> bool:
        """Whether no prediction came for a while, or the spool is half full."""
        now = time.monotonic()
        if self._taken != self._seen:
            self._seen, self._seen_at = self._taken, now
        return now - self._seen_at > CALM_SECONDS or 2 * self.spool_bytes > self._limit

    def _write(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            self._move_to_spool()
        self._move_to_spool(durable=True)

    def _move_to_spool(self, *, durable: bool = False) -> None:
        try:
            if self._entries:
                self._append(self._limit - self.spool_bytes)
            if durable or self._spool.is_due():
                self._spool.close_segment(durable=durable)
                self._sender.wake()
            self._disk_error = None
        except OSError as error:
            self._disk_error = str(error)
            self._spool.close_segment()  # it may end in half a line
            self._sender.wake()
            self._drop_newest()

    def _append(self, room: int) -> None:
        """Entries leave the memory when the disk has them: `find` looks here first.

        Raises:
            OSError: of the disk, or because there is no room.
        """
        # what comes meanwhile waits for its turn: it would make blocks of a few each
        end = self._taken
        while self._entries and self._gone < end:
            block = _first(self._entries)
            lines, refused = encode(block)
            room -= sum(map(len, lines))
            if room < 0:
                raise OSError(f"the spool has its {self._limit} bytes")
            self._spool.append(b"".join(lines))
            self._forget(1 if isinstance(block, Rows) else len(block), len(block))
            self.written += len(block) - refused
            if refused:
                self._lose(refused, "not text, or too large")
            if not self._stopping.is_set():
                time.sleep(REST_SECONDS)

    def _drop_newest(self) -> None:
        """What is on disk already stays: it was known as logged."""
        newest = self._entries[:]
        count = sum(len(one) if isinstance(one, Rows) else 1 for one in newest)
        self._forget(len(newest), count)
        self._lose(count, str(self._disk_error))

    def _forget(self, elements: int, count: int) -> None:
        """Takes the first elements, `count` predictions, out of the memory."""
        del self._entries[:elements]
        self._gone += count

    def _lose(self, count: int, reason: str) -> None:
        self._dropped += count
        if time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + WARN_SECONDS
            logger.warning("%d predictions were not logged so far: %s", self.lost, reason)


def _first(entries: list[Fields | Rows]) -> list[Fields] | Rows:
    """What the first block is made of."""
    if isinstance(entries[0], Rows):
        return entries[0]
    some = entries[:SLICE]
    kinds = list(map(type, some))
    return cast("list[Fields]", some[: kinds.index(Rows)] if Rows in kinds else some)


def _entry_of(one: Fields | Rows, id_: str) -> Entry | None:
    if not isinstance(one, Rows):
        return Entry(*one) if one[0] == id_ else None
    place = place_in(one.first, id_)
    return Entry(*one[place : place + 1].entries()[0]) if 0 <= place < len(one) else None
