"""Every error that a user can meet.

RookeryError
├── InputError      2 / 422   wrong usage, settings, task file or data
│   └── NotPromoted 2 / 503   nothing carries the serving alias yet
├── Unavailable     1 / 503   a part outside (database, MLflow, store) failed
├── Refused         3 / 409   the gate or the trust rule said no
├── Interrupted   130 / 503   by the one who started it
└── Defect         70 / 500   ours
"""

from typing import Any, ClassVar


class RookeryError(Exception):
    """A message for people, with the thing, its value, what is allowed and the next command."""

    exit_code: ClassVar[int] = 70
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        value: Any = None,
        allowed: Any = None,
        next: str | None = None,  # noqa: A002 - the contract's word
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.value = value
        self.allowed = allowed
        self.next = next

    def as_dict(self) -> dict[str, Any]:
        """The `error` object of `--json`."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "field": self.field,
            "value": self.value,
            "allowed": self.allowed,
            "next": self.next,
        }


class InputError(RookeryError):
    """Wrong usage, settings, task file or data: the one who asks can mend it."""

    exit_code = 2
    status = 422


class NotPromoted(InputError):
    """Nothing carries the serving alias yet."""

    status = 503

    @classmethod
    def of(cls, name: str, alias: str) -> "NotPromoted":
        """No version of that registered model carries that alias."""
        return cls(
            f"no version of {name} carries the alias {alias!r} yet",
            field="MODEL_ALIAS",
            value=alias,
            allowed="an alias that a version carries",
            next=f"rookery promote {name}",
        )


class Unavailable(RookeryError):
    """A part outside failed; the message names it and the setting to look at."""

    exit_code = 1
    status = 503


class Refused(RookeryError):
    """The gate or the trust rule said no."""

    exit_code = 3
    status = 409


class Interrupted(RookeryError):
    """Ended by the one who started it; nothing half-done is left in place of the old."""

    exit_code = 130
    status = 503


class Defect(RookeryError):
    """Ours, whatever it is."""
