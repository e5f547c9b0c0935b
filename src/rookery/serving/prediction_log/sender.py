"""Moves the spool to the database, however often that is away."""

import logging
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from rookery.serving.prediction_log.blocks import decode
from rookery.serving.prediction_log.spool import Spool

# in one transaction: its round trips cost more than its rows
BLOCKS = 8
LOOK_SECONDS = 5.0
# for each second of work; less where nobody is kept waiting, or the spool may become full
RESTS = {False: 4.0, True: 0.25}
PAUSES = (0.5, 10.0)
logger = logging.getLogger("rookery.serving")

# takes blocks and says how many of their predictions the database will never take
Deliver = Callable[[list[str]], int]


class Sender:
    """Runs in a thread of its own until it is told to finish."""

    def __init__(self, spool: Spool, url: str, may_hurry: Callable[[], bool]) -> None:
        self._spool = spool
        self._url = url
        self._may_hurry = may_hurry
        self._deliver: Deliver | None = None
        self._work = threading.Event()
        self._ending = threading.Event()
        self._deadline = float("inf")
        self._look_at = 0.0
        self.sent = 0
        self.lost = 0
        self.last_error: str | None = None

    def wake(self) -> None:
        """There is a segment."""
        self._work.set()

    def finish(self, seconds: float) -> None:
        """Sends what there is, in that time and if the database answers, and ends."""
        self._deadline = time.monotonic() + seconds
        self._ending.set()
        self._work.set()

    def run(self) -> None:
        pause = PAUSES[0]
        while time.monotonic() < self._deadline:
            self._work.clear()  # before looking: what comes meanwhile wakes again
            ending = self._ending.is_set()
            try:
                worked = self._send_next()
            except Exception as error:  # whatever it is: what is left is tried again
                self._failed(error)
                if ending:
                    return
                self._ending.wait(pause)
                pause = min(2 * pause, PAUSES[1])
                continue
            self.last_error, pause = None, PAUSES[0]
            if not worked:
                if ending:
                    return
                self._work.wait(LOOK_SECONDS)

    def _send_next(self) -> bool:
        """Sends the oldest segment; False where there is none."""
        if time.monotonic() >= self._look_at:
            self._spool.adopt()
            self._look_at = time.monotonic() + LOOK_SECONDS
        segment = next(self._spool.waiting(), None)
        if segment is None:
            return False
        if self._deliver is None:
            self._deliver = delivery_to(self._url)
        self._send(segment, self._deliver)
        return True

    def _send(self, segment: Path, deliver: Deliver) -> None:
        """Counts when all of it is there: a segment that failed half-way is sent again."""
        sent = lost = 0
        with segment.open("rb") as file:
            while lines := list(islice(file, BLOCKS)):
                if (began := time.monotonic()) > self._deadline:
                    return
                read = [decode(line) for line in lines]
                whole = [block.text for block in read if block.text is not None]
                refused = deliver(whole) + sum(block.size for block in read if block.text is None)
                sent += sum(block.size for block in read) - refused
                lost += refused
                if not self._ending.is_set():  # requests and other writers have their turn
                    time.sleep((time.monotonic() - began) * RESTS[self._may_hurry()])
        self._spool.remove(segment)
        self.sent += sent
        self.lost += lost
        if lost:
            logger.warning("%d damaged or refused predictions were left out", lost)

    def _failed(self, error: Exception) -> None:
        """Says once what keeps the predictions here."""
        self._deliver = None
        if self.last_error is None:
            logger.warning("predictions stay in %s: %s", self._spool.folder, error)
        self.last_error = str(error) or type(error).__name__


def delivery_to(url: str) -> Deliver:
    """What adds entries to the table at that address, which is made where it may be.

    Imports SQLAlchemy: an API whose database is away starts without it.

    Raises:
        InputError: the address is not one. Unavailable: the database does not answer.
    """
    from rookery.stores import predictions
    from rookery.stores.database import connect
    from rookery.stores.locks import create_missing

    engine = connect(url)
    create_missing(engine, predictions.METADATA)
    return lambda blocks: predictions.add_predictions(engine, blocks)
