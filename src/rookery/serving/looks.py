"""What a look at the registry came to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rookery.errors import RookeryError


@dataclass(frozen=True)
class Failure:
    """Why the registry's wish is not what serves."""

    version: str | None
    error: RookeryError
    at: datetime


@dataclass(frozen=True)
class Look:
    """What one look at the registry came to."""

    outcome: Literal["unchanged", "loaded", "refused", "failed"]
    version: str | None
    failure: Failure | None
