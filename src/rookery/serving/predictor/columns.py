"""The columns of a pipeline while its transformers are read."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number column of the rows, and what was done to it since."""

    name: str
    source: int
    steps: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Words:
    """A field that is no number yet; `fill` stands for a missing value."""

    name: str
    field: int
    fill: Any = None


@dataclass(frozen=True)
class Coded:
    """A column that a table gives: one value for each code."""

    name: str
    table: int
    codes: tuple[float, ...]


Column = Number | Words | Coded
