"""What a table holds, seen with a data scientist's eyes: the ground of a drafted task file."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from rookery.core.profile.leaks import Leak, leaks
from rookery.core.profile.naming import column_names
from rookery.core.profile.reading import Seen, read_column
from rookery.core.profile.suspects import as_key, copies, without_news
from rookery.core.profile.target import Answer, answer_of
from rookery.errors import InputError

FEWEST_ROWS = 20  # of which a fifth is held out and a fifth of the rest is in each fold

__all__ = ["Answer", "Leak", "Profile", "Seen", "column_names", "profile"]


@dataclass(frozen=True)
class Profile:
    """A table's columns, its target, and what speaks against some of the columns.

    `rows` are those of the table, `looked_at` those that were looked at; `left_out` gives the
    reason for each column that a model should not see, `warnings` what is only suspicious.
    """

    columns: tuple[Seen, ...]
    answer: Answer
    rows: int
    looked_at: int
    duplicates: int
    left_out: dict[str, str]
    warnings: dict[str, str]

    @property
    def features(self) -> list[Seen]:
        out = {*self.left_out, self.answer.seen.name}
        return [seen for seen in self.columns if seen.name not in out]


def profile(
    frame: pd.DataFrame, names: Sequence[str], target: str, rows: int, origin: str
) -> Profile:
    """Looks at rows as a source gave them.

    `names` are what the columns will be called, in their order, and `target` one of them; the
    index holds the rows' positions in the table, which has `rows` of them.

    Raises:
        InputError: the target is not one.
    """
    columns = [
        read_column(name, str(given), frame.iloc[:, at])
        for at, (name, given) in enumerate(zip(names, frame.columns, strict=True))
    ]
    answer = answer_of(next(seen for seen in columns if seen.name == target), origin)
    copied = frame.duplicated().to_numpy()
    _require_rows(int((~copied & answer.seen.values.notna().to_numpy()).sum()), target, origin)
    others = [seen for seen in columns if seen.name != target]
    left_out = _without_worth(others)
    kept = [seen for seen in others if seen.name not in left_out]
    suspected = _leaks(kept, answer)
    sure = {leak.name: f"gives the target away: {leak.said}" for leak in suspected if leak.sure}
    if len(sure) == len(kept):  # something has to be learnt from
        suspected, sure = [Leak(leak.name, leak.said, sure=False) for leak in suspected], {}
    warnings = {leak.name: leak.said for leak in suspected if not leak.sure}
    return Profile(
        tuple(columns), answer, rows, len(frame), int(copied.sum()), left_out | sure, warnings
    )


def _require_rows(different: int, target: str, origin: str) -> None:
    if different < FEWEST_ROWS:
        raise InputError(
            f"{origin} has {different} different rows with a {target}: too few to learn from",
            field="--from",
            value=different,
            allowed=f"at least {FEWEST_ROWS} rows",
        )


def _without_worth(columns: Sequence[Seen]) -> dict[str, str]:
    reasons = {seen.name: without_news(seen) or as_key(seen) for seen in columns}
    found = {name: reason for name, reason in reasons.items() if reason}
    rest = [seen for seen in columns if seen.name not in found]
    same = {
        name: f"says the same as {earlier}: each value of one goes with one of the other"
        for name, earlier in copies(rest).items()
    }
    return found | same


def _leaks(columns: Sequence[Seen], answer: Answer) -> list[Leak]:
    there = answer.seen.values.dropna()
    classes = answer.problem != "regression"
    if classes and answer.rare:
        common = there.isin([value for value in there.unique() if _named(value) in answer.classes])
        there = there[common]
    known = Seen(answer.seen.name, answer.seen.source_name, answer.seen.type, there)
    return leaks(columns, known, classes=classes)


def _named(value: object) -> object:
    return str(int(value)) if isinstance(value, float) else value
