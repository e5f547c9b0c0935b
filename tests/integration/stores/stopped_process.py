"""Asks the database at an address, and stops itself meanwhile, as often as is said.

A process of its own: in that of the tests hypothesis has a function called whenever the garbage
collector ran, in which an exception is lost.
"""

import os
import signal
import sys
import threading
import time

import sqlalchemy as sa

from rookery.jobs.stopping import stops_raise
from rookery.stores.database import answering, connect

PATIENCE_SECONDS = 10.0


def ask_until_stopped(engine: sa.Engine, delay: float) -> str:
    stopping = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGTERM))
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        with stops_raise():
            stopping.start()
            while time.monotonic() < deadline:
                ask(engine)
    except KeyboardInterrupt as stop:
        return str(stop)
    return "not stopped"


def ask(engine: sa.Engine) -> None:
    with answering(engine), engine.connect() as connection:
        assert connection.execute(sa.select(sa.literal(1))).scalar_one() == 1


if __name__ == "__main__":
    _, address, times = sys.argv
    asked = connect(address)
    for number in range(int(times)):
        print(ask_until_stopped(asked, number / 5000))
    ask(asked)
