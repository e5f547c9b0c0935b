"""Checks, run side by side within a time limit, and what they find."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Thread
from typing import Literal, NamedTuple

from rookery.errors import RookeryError
from rookery.extras import extra_missing

Level = Literal["ok", "warning", "error"]
SECONDS = 11.0
LATE = "see what else is wrong here first; then rookery doctor again"


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `collect` adds where it belongs."""

    level: Level
    message: str
    mend: str | None = None
    check: str = ""
    area: str = ""


class Check(NamedTuple):
    """What to look at; what cannot hang is waited for however long it takes."""

    area: str
    name: str
    look: Callable[[], Iterable[Finding]]
    may_hang: bool = True


def fine(message: str, check: str = "") -> Finding:
    return Finding("ok", message, check=check)


def warning(message: str, mend: str, check: str = "") -> Finding:
    return Finding("warning", message, mend, check)


def error(message: str, mend: str, check: str = "") -> Finding:
    return Finding("error", message, mend, check)


def collect(checks: Sequence[Check], seconds: float = SECONDS) -> list[Finding]:
    """The findings in the order of the checks; one that has not ended in time is a finding."""
    found: list[list[Finding]] = [[] for _ in checks]
    # daemons: what hangs must not keep the command from ending
    threads = [
        Thread(target=lambda into, check: into.extend(_looked(check)), args=pair, daemon=True)
        for pair in zip(found, checks, strict=True)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread, check, into in zip(threads, checks, found, strict=True):
        thread.join(max(0.0, end - time.monotonic()) if check.may_hang else None)
        if thread.is_alive():
            into.append(error(f"did not end within {seconds:.0f} s", LATE))
    return [
        replace(finding, area=check.area, check=finding.check or check.name)
        for check, into in zip(checks, found, strict=True)
        for finding in into
    ]


def _looked(check: Check) -> Iterator[Finding]:
    """What a check says, and how it failed if it did."""
    try:
        yield from check.look()
    except RookeryError as failed:
        allowed = f"{failed.field}: {failed.allowed}" if failed.allowed else None
        following = failed.next if failed.next != "rookery doctor" else None
        yield error(failed.message, allowed or following or str(failed.field))
    except OSError as failed:
        place = f": {failed.filename}" if failed.filename else ""
        mend = "check the place and its rights, or set ROOKERY_HOME elsewhere"
        yield error(f"{failed.strerror or failed}{place}", mend)
    except Exception as failed:  # one check that fails must not hide what the others found
        missing = isinstance(failed, ModuleNotFoundError) and extra_missing(failed)
        if missing:
            yield warning(f"not looked at: {missing.message}", str(missing.next))
        else:
            yield error(f"the check failed: {type(failed).__name__}: {failed}", "a defect: report")
