"""Booleans, dates and whole numbers as people write them, read alike wherever they are."""

from datetime import UTC, datetime
from typing import Any

TRUE = ("true", "yes", "y", "t", "1", "1.0")
FALSE = ("false", "no", "n", "f", "0", "0.0")
LARGEST_WHOLE = 2**53  # beyond it float64, in which numbers are kept, skips whole numbers


def read_date(text: str) -> datetime | None:
    """A date in ISO 8601 form, in UTC without a zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):  # year 1 east of Greenwich is year 0 in UTC
        return None


def as_whole(value: Any) -> Any:
    """JSON has one kind of number: 2007.0 is a whole one, and how pandas writes it beside gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
