"""What a stop from outside does: the same as any failure, so that nothing half-done stays."""

import signal
from types import FrameType

from rookery.errors import Interrupted


def clean_up_when_stopped() -> None:
    """Ctrl-C and `docker stop` raise Interrupted in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(f"stopped by {signal.Signals(number).name}")
