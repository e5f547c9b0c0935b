"""How a one-shot of the stack ends: what it has to say, or one message and its exit code."""

import sys
from collections.abc import Callable

from rookery.errors import Interrupted, RookeryError, Unavailable
from rookery.text import failure


def finish(work: Callable[[], str]) -> int:
    """Writes what the work returns to standard output; the exit code says how it went."""
    try:
        said = work()
    except RookeryError as error:
        return _failed(error)
    except KeyboardInterrupt as stop:
        return _failed(Interrupted(str(stop) or "interrupted"))
    except OSError as error:
        return _failed(Unavailable(str(error), value=error.filename))
    sys.stdout.write(f"{said}\n")
    return 0


def _failed(error: RookeryError) -> int:
    sys.stderr.write(f"{failure(error)}\n")
    return error.exit_code
