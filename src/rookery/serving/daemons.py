"""Work that may hang on a server outside, in threads that the end of the process ignores."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Found = TypeVar("Found")


def in_daemon(work: Callable[[], Found]) -> "Future[Found]":
    """Starts it in a thread of its own."""
    future: Future[Found] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
