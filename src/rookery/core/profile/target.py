"""What kind of problem the target makes, and what its classes are."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rookery.core.located import brief
from rookery.core.profile.reading import Seen
from rookery.errors import InputError

MOST_CLASSES = 100
MOST_NUMBERED = 10  # different whole numbers that are taken for classes
FEWEST_OF_A_CLASS = 5  # rows: one for each fold

Problem = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Answer:
    """The target: what kind of problem it makes.

    `classes` counts the rows of those to learn, the most frequent first, and `rare` those of the
    classes with too few; both are empty for a number.
    """

    seen: Seen
    problem: Problem
    type: str  # in the task file
    classes: dict[Any, int]
    rare: dict[Any, int]

    @property
    def smallest_share(self) -> float:
        return min(self.classes.values()) / sum(self.classes.values())

    @property
    def largest_share(self) -> float:
        return max(self.classes.values()) / sum(self.classes.values())


def answer_of(seen: Seen, origin: str) -> Answer:
    """The target as the problem that it makes.

    Raises:
        InputError: nothing can be learnt of it.
    """
    if seen.type == "date":
        raise _refused(seen, origin, "holds dates", "a number, or text with a few classes")
    if seen.distinct < 2:
        raise _refused(seen, origin, _too_few_values(seen), "at least two different values")
    if seen.is_number and not _is_numbered(seen):
        return Answer(seen, "regression", "integer" if seen.type == "integer" else "float", {}, {})
    return _classes(seen, origin)


def _is_numbered(seen: Seen) -> bool:
    """Whether a number stands for classes: yes and no, or a few whole ones that come often."""
    values = seen.values.dropna()
    whole = bool((values == np.floor(values)).all())
    plain = not {"strip", "thousands", "decimal"} & set(seen.keys)  # no money
    return (
        whole
        and plain
        and (
            seen.distinct == 2
            or (seen.distinct <= MOST_NUMBERED and len(values) >= 20 * seen.distinct)
        )
    )


def _classes(seen: Seen, origin: str) -> Answer:
    counts = Counter(seen.values.dropna().tolist())
    if len(counts) > MOST_CLASSES:
        raise _refused(
            seen,
            origin,
            f"is text with {len(counts):,} different values, too many to be classes",
            f"a number, or text with at most {MOST_CLASSES} classes",
        )
    known = {name: n for name, n in counts.most_common() if n >= FEWEST_OF_A_CLASS}
    if len(known) < 2:
        raise _refused(
            seen,
            origin,
            f"has {'only one' if known else 'no'} class with at least {FEWEST_OF_A_CLASS} rows",
            "at least two",
        )
    rare = {name: n for name, n in counts.most_common() if n < FEWEST_OF_A_CLASS}
    kind: Problem = "binary" if len(known) == 2 else "multiclass"
    yes_and_no = seen.is_number and set(counts) == {0.0, 1.0}
    if seen.is_number and not yes_and_no:
        known, rare = ({str(int(name)): n for name, n in part.items()} for part in (known, rare))
    return Answer(seen, kind, "boolean" if yes_and_no else "category", known, rare)


def _too_few_values(seen: Seen) -> str:
    """That there is none or one; which texts count as none may be the mistake."""
    values = seen.values.dropna().unique().tolist()
    if not seen.missing:
        return f"has one value, {values[0]!r}, in all rows" if values else "has no value at all"
    gone = brief(f"{text!r} in {rows:,}" for text, rows in seen.markers.items())
    held = f"only one value, {values[0]!r}" if values else "no value at all"
    return f"has {held}; {seen.missing:,} rows count as missing" + (f" ({gone})" if gone else "")


def _refused(seen: Seen, origin: str, what: str, allowed: str) -> InputError:
    return InputError(
        f"the target {seen.name!r} of {origin} {what}",
        field="--target",
        value=seen.name,
        allowed=allowed,
        next="choose another --target",
    )
