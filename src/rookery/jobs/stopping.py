"""A stop from outside is raised as Ctrl-C is, so that what is half done is taken back first.

It is no `Exception`: those a library may swallow, or take for a failure of the call they came in,
and SQLAlchemy goes on with a connection whose answer they cut off.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stops_raise() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM raises KeyboardInterrupt; later ones do not cut off what follows.

    Only in the main thread, which is the one that gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _raise) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _raise(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")
