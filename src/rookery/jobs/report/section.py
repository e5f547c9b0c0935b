"""A part of the page, as plain values for its template and for `--json`."""

from typing import Any

Section = dict[str, Any]


def missing(what: str, command: str) -> Section:
    """A part that has nothing to show yet, and the command that brings it about."""
    return {"missing": what, "next": command}
