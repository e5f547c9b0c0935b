"""How long candidates may be fitted, and what becomes of those that it does not suffice for."""

import time
from dataclasses import dataclass


class Skipped(Exception):
    """A candidate that is not to be fitted here; the message says why."""


@dataclass(frozen=True)
class Budget:
    """Seconds, and the moment at which they are over, by the clock that all processes share."""

    seconds: float
    until: float

    @classmethod
    def of(cls, seconds: float) -> "Budget":
        """From now on."""
        return cls(seconds, time.monotonic() + seconds)

    def spend(self, needed: float = 0.0) -> None:
        """Goes on where so many seconds more are left.

        Raises:
            Skipped: they are not.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise Skipped(f"the time budget of {self.seconds:g} s was over")
        if left < needed:
            raise Skipped(
                f"it would take {needed:.3g} s more, and of the time budget of {self.seconds:g} s "
                f"{left:.3g} are left"
            )
