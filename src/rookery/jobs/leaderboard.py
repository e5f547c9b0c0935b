"""What a sweep found, the best first."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from rookery.core.candidates import ranking_key
from rookery.core.task import Task


@dataclass(frozen=True)
class Row:
    """One candidate on the leaderboard."""

    rank: int
    name: str
    family: str
    metrics: dict[str, float]
    run_id: str
    link: str
    error: str | None = None
    skipped: str | None = None  # why it was not fitted
    sampled: int | None = None  # training rows, where they are fewer than there are

    @property
    def failed(self) -> bool:
        return self.error is not None

    @property
    def fitted(self) -> bool:
        return self.error is None and self.skipped is None

    @property
    def holdout(self) -> dict[str, float]:
        """Hold-out metrics by their plain names."""
        marked = {
            name: value for name, value in self.metrics.items() if name.startswith("holdout_")
        }
        return {name.removeprefix("holdout_"): value for name, value in marked.items()}


@dataclass(frozen=True)
class Sweep:
    """A finished sweep; `version` is None where the gate did not let the best be registered."""

    task: str
    run_id: str
    link: str
    digest: str
    metric: str
    rows: list[Row]
    version: str | None
    verdict: str
    versions: dict[str, str] = field(default_factory=dict)  # by run id
    configuration: str | None = None  # the file of the winner's, if it could be written
    configuration_note: str = ""

    @property
    def best(self) -> Row:
        return self.rows[0]

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row a candidate, metrics as columns."""
        shown = ("rank", "name", "family")
        rest = ("sampled", "run_id", "link", "skipped", "error")
        return pd.DataFrame(
            [
                {name: getattr(row, name) for name in shown}
                | row.metrics
                | {name: getattr(row, name) for name in rest}
                for row in self.rows
            ]
        )


def ranked(task: Task, rows: Sequence[Row]) -> list[Row]:
    """Rows in the order of the task file, ranked; what was skipped comes last, then what failed."""
    ordered = sorted(
        enumerate(rows),
        key=lambda item: (
            not item[1].fitted,
            item[1].failed,
            ranking_key(task, item[1].family, item[0], item[1].metrics),
        ),
    )
    return [replace(row, rank=rank) for rank, (_, row) in enumerate(ordered, start=1)]
