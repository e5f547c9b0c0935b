"""A model and the rows it is checked on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.changes import records
from rookery.core.checks.found import MOST_EXAMPLES
from rookery.core.holdout import row_hashes
from rookery.core.resampling import Answers, Numbers
from rookery.core.shape import answers_on
from rookery.core.task import Task

SALT = "checks"
ROUNDING = 1e-9  # a sum in another order differs by less
# of raw columns as the model takes them: labels or numbers, and probabilities where there are any
Form = Callable[[pd.DataFrame], tuple[Any, Any]]


@dataclass(frozen=True)
class Asked:
    """A model, hold-out rows and its answers to them.

    `columns` are those that the model takes, `forms` the other forms in which it answers, by name.
    """

    task: Task
    model: Any
    columns: Sequence[str]
    rows: pd.DataFrame
    answers: Answers
    forms: Mapping[str, Form] = field(default_factory=dict)

    @cached_property
    def places(self) -> Numbers:
        """Positions of the rows that are asked again, at most `checks.rows` of them.

        They are those with the lowest hashes of their content, in that order, so the same rows are
        drawn from the same table, and most of them stay when rows are added.
        """
        hashes = row_hashes(self.rows[list(self.task.columns)], salt=SALT)
        return np.argsort(hashes, kind="stable")[: self.task.checks.rows]

    @cached_property
    def some(self) -> pd.DataFrame:
        return self.rows.iloc[self.places]

    @cached_property
    def said(self) -> Answers:
        """The answers to `some`."""
        return self.answers.among(self.places)

    def again(self, rows: pd.DataFrame) -> Answers:
        """The answers to changed rows."""
        return answers_on(self.model, rows, self.task, self.columns)

    def shown(self, answers: Answers, place: int) -> Any:
        """An answer as the task writes it."""
        said = answers.predicted[place]
        if answers.labels:
            return self.task.labels[int(said)]
        return float(said) if np.isfinite(said) else None

    def examples(
        self,
        rows: pd.DataFrame,
        badness: Numbers,
        now: Answers,
        was: Answers | None = None,
        changed: pd.DataFrame | None = None,
    ) -> list[dict[str, Any]]:
        """The rows with the highest badness, shape (rows,), but none whose badness is 0.

        `changed` are the cells that were changed between the answers `was` and `now`.
        """
        order = np.argsort(-badness, kind="stable")[:MOST_EXAMPLES]
        worst = [int(at) for at in order if badness[at] > 0]
        found = [{"row": row} for row in records(rows.iloc[worst])]
        if changed is not None:
            cells = records(changed.iloc[worst])
            found = [each | {"changed": cell} for each, cell in zip(found, cells, strict=True)]
        for name, answers in (("was", was), ("now", now)):
            for each, at in zip(found, worst, strict=True):
                if answers is not None:
                    each[name] = self.shown(answers, at)
        return found


def ask(
    task: Task,
    model: Any,
    columns: Sequence[str],
    rows: pd.DataFrame,
    forms: Mapping[str, Form] | None = None,
) -> Asked:
    """Asks a model of clean rows.

    Raises:
        Refused: its columns or classes are not those of the task.
    """
    return Asked(task, model, columns, rows, answers_on(model, rows, task, columns), forms or {})
