"""The ledger: one row per attempt to promote, written before the alias moves and after.

An attempt holds the task's lock until it is closed: a pending row whose lock is free was left by
a process that died, wherever it ran. The unique column `pending` keeps two apart even so.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rookery.errors import Unavailable
from rookery.stores.database import answering, connect, unless_missing
from rookery.stores.locks import Release, create_missing, take
from rookery.stores.owners import this_process
from rookery.stores.sql_types import EXACT, LONG, MOMENT

METADATA = sa.MetaData()
PROMOTIONS = sa.Table(
    "promotions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("task", sa.String(64), nullable=False, index=True),
    sa.Column("from", sa.String(32)),
    sa.Column("to", sa.String(32)),
    # pending, done, refused, failed, external
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("reason", LONG, nullable=False),
    sa.Column("metrics", LONG, nullable=False),
    sa.Column("who", sa.String(255), nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("pending", sa.String(64), unique=True),
    **EXACT,
)
ROLLBACK = "rollback"
UNTAKEN = "the alias has moved, but not the API"
TAKEN = "the API has taken the version"


@dataclass(frozen=True)
class Entry:
    """One row; versions are None where there was none."""

    id: int
    task: str
    from_version: str | None
    to_version: str | None
    outcome: str
    reason: str
    metrics: dict[str, float]
    who: str
    at: str
    owner: str | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "task": self.task,
            "from": self.from_version,
            "to": self.to_version,
            "outcome": self.outcome,
            "reason": self.reason,
            "metrics": self.metrics,
            "who": self.who,
            "at": self.at,
        }


class Ledger:
    """The `promotions` table."""

    def __init__(self, url: str) -> None:
        self.engine = connect(url)
        self._locks: dict[int, Release] = {}

    def entries(self, task: str) -> list[Entry]:
        """All rows of a task, oldest first; none where the table is not there yet."""
        query = sa.select(PROMOTIONS).where(PROMOTIONS.c.task == task).order_by(PROMOTIONS.c.id)
        rows = unless_missing(self.engine, query, lambda result: result.mappings().all())
        return [_entry(row) for row in rows or ()]

    def begin(self, task: str, current: str | None, reason: str) -> int | None:
        """Opens an attempt and returns its id; None while another one is pending."""
        release = take(self.engine, _lock(task))
        if release is None:
            return None
        try:
            entry_id = self._insert(
                {
                    "task": task,
                    "from": current,
                    "outcome": "pending",
                    "reason": reason,
                    "pending": task,
                    "owner": this_process(),
                }
            )
        except IntegrityError:  # of one that died, or whose connection was lost
            release()
            return None
        except BaseException:
            release()
            raise
        self._locks[entry_id] = release
        return entry_id

    def abandoned(self, entry: "Entry") -> bool:
        """Whether the one who opened a pending attempt has ended without closing it."""
        release = take(self.engine, _lock(entry.task))
        if release is None:
            return False
        try:  # it may have been closed since it was read
            now = pending(self.entries(entry.task))
            return now is not None and now.id == entry.id
        finally:
            release()

    def aim(
        self, entry_id: int, current: str | None, target: str, metrics: Mapping[str, float]
    ) -> None:
        """Writes down where the alias is about to go, before it moves.

        Raises:
            Unavailable: another one took it for abandoned, because its connection was lost.
        """
        aim = {"from": current, "to": target, "metrics": json.dumps(metrics)}
        if not self._update(entry_id, aim):
            raise Unavailable(
                "this promotion was given up by another one meanwhile",
                field="promotions",
                value=entry_id,
                allowed="an attempt that is still pending",
                next="the same command again",
            )

    def note(self, entry_id: int, target: str | None, metrics: Mapping[str, float]) -> None:
        """Writes down what is being judged, so that a refusal says it."""
        self._update(entry_id, {"to": target, "metrics": json.dumps(metrics)})

    def remove(self, entry_id: int) -> None:
        """Takes back a pending row of an attempt that turned out to change nothing."""
        engine = self.engine.execution_options(writes=True)
        still = (PROMOTIONS.c.id == entry_id) & (PROMOTIONS.c.outcome == "pending")
        with self.releasing(entry_id), answering(engine), engine.begin() as connection:
            connection.execute(sa.delete(PROMOTIONS).where(still))

    def close(self, entry_id: int, outcome: str, reason: str, **changes: Any) -> None:
        """Ends an attempt; one that has ended stays as it is."""
        ended = {"outcome": outcome, "reason": reason, "pending": None} | changes
        with self.releasing(entry_id):
            self._update(entry_id, ended)

    def record(
        self,
        task: str,
        current: str | None,
        target: str | None,
        outcome: str,
        reason: str,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Adds a row for what has already happened."""
        self._insert(
            {
                "task": task,
                "from": current,
                "to": target,
                "outcome": outcome,
                "reason": reason,
                "metrics": json.dumps(dict(metrics or {})),
            }
        )

    @contextmanager
    def releasing(self, entry_id: int) -> Iterator[None]:
        """Gives the lock back at the end, also when the database is away: others may repair."""
        try:
            yield
        finally:
            self._locks.pop(entry_id, lambda: None)()

    def _insert(self, values: dict[str, Any]) -> int:
        row = {"metrics": "{}", "who": who(), "at": datetime.now(UTC).replace(tzinfo=None)} | values
        engine = self.engine.execution_options(writes=True)
        create_missing(engine, METADATA)
        with answering(engine), engine.begin() as connection:
            result = connection.execute(sa.insert(PROMOTIONS).values(row))
            (entry_id,) = result.inserted_primary_key or (0,)
            return int(entry_id)

    def _update(self, entry_id: int, values: dict[str, Any]) -> bool:
        """Changes a pending row; False where it is not pending any more."""
        engine = self.engine.execution_options(writes=True)
        still = (PROMOTIONS.c.id == entry_id) & (PROMOTIONS.c.outcome == "pending")
        with answering(engine), engine.begin() as connection:
            changed = connection.execute(sa.update(PROMOTIONS).where(still).values(values))
            return changed.rowcount > 0


def pending(entries: list[Entry]) -> Entry | None:
    return next((entry for entry in entries if entry.outcome == "pending"), None)


def last_served(entries: list[Entry]) -> str | None:
    """The version that the ledger believes is promoted."""
    served = [entry for entry in entries if entry.outcome in ("done", "external")]
    return served[-1].to_version if served else None


def previous_version(entries: list[Entry]) -> str | None:
    """Where a rollback goes: each promotion is one step up, each rollback one step down."""
    steps: list[str | None] = []
    for entry in entries:
        if entry.outcome not in ("done", "external"):
            continue
        if entry.reason == ROLLBACK and steps:
            steps.pop()
        elif not steps or steps[-1] != entry.to_version:
            steps.append(entry.to_version)
    return steps[-2] if len(steps) > 1 else None


def untaken(entries: list[Entry]) -> Entry | None:
    """The row that says that the API has not taken what is promoted, if that is the last word."""
    for entry in reversed(entries):
        if entry.outcome == "failed" and entry.reason.startswith(UNTAKEN):
            return entry
        if entry.outcome in ("done", "external"):
            return None
    return None


def _lock(task: str) -> str:
    return f"{task}.promotion"


def who() -> str:
    return f"{psutil.Process().username()}@{socket.gethostname()}"


def _entry(row: Any) -> Entry:
    return Entry(
        row["id"],
        row["task"],
        row["from"],
        row["to"],
        row["outcome"],
        row["reason"],
        json.loads(row["metrics"]),
        row["who"],
        f"{row['at'].isoformat(timespec='seconds')}Z",
        row["owner"],
    )
