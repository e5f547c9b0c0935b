"""What a check is, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rookery.core.checks.asked import Asked

MOST_EXAMPLES = 5
Sense = Literal["at least", "at most"]


@dataclass(frozen=True)
class Found:
    """A number held against its bound; `value` is None where it could not be measured.

    `says` has all of it in words, `rows` how many were asked, and `examples` the worst of them:
    each a `row` of plain values and what is said of it `now`; where cells were `changed`, also
    these, and what was said before.
    """

    passed: bool
    value: float | None
    sense: Sense
    bound: float
    rows: int
    says: str
    examples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """One check that a task declares: its kind, and its name among those of that kind."""

    kind: str
    name: str
    run: Callable[["Asked"], Found] = field(compare=False)

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.name}"


@dataclass(frozen=True)
class Result(Found):
    """What a check of a task found."""

    kind: str = ""
    name: str = ""

    @classmethod
    def of(cls, check: Check, found: Found) -> "Result":
        return cls(**vars(found), kind=check.kind, name=check.name)
