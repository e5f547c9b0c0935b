"""The audit of batches: one row per batch that arrived, from its loading to the model it led to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.stores.database import answering, unless_missing
from rookery.stores.locks import create_missing
from rookery.stores.sql_types import EXACT, LONG, MOMENT

# how far a batch has come; it is used when all that depends on it has been done
LOADED, CLEANED, DECIDED, USED = "loaded", "cleaned", "decided", "used"


@dataclass(frozen=True)
class BatchEntry:
    """One batch. `position` is the order of loading, `number` what its service calls it."""

    position: int
    number: int
    batch_id: str  # of its rows, as in the raw table
    digest: str  # SHA-256 of the body or file
    origin: str
    rows: int  # added to the raw table; 0 where the rows were there already
    state: str = LOADED
    rejected: int | None = None
    duplicates: int | None = None
    rules: str | None = None  # digest of the columns and rules it was cleaned by
    decision: str | None = None  # train or wait
    reason: str | None = None
    unseen_share: float | None = None
    run_id: str | None = None  # the sweep that it led to
    model_version: str | None = None
    at: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class BatchAudit:
    """The table `<task>_batches`."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.metadata = sa.MetaData()
        self.table = sa.Table(
            name,
            self.metadata,
            sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("number", sa.BigInteger, nullable=False),
            sa.Column("batch_id", sa.String(64), nullable=False),
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("origin", LONG, nullable=False),
            sa.Column("rows", sa.BigInteger, nullable=False),
            sa.Column("state", sa.String(16), nullable=False),
            sa.Column("rejected", sa.BigInteger),
            sa.Column("duplicates", sa.BigInteger),
            sa.Column("rules", sa.String(64)),
            sa.Column("decision", sa.String(16)),
            sa.Column("reason", LONG),
            sa.Column("unseen_share", sa.Double),
            sa.Column("run_id", sa.String(64)),
            sa.Column("model_version", sa.String(32)),
            sa.Column("at", MOMENT, nullable=False),
            **EXACT,
        )

    def create(self) -> None:
        create_missing(self.engine, self.metadata)

    def entries(self) -> list[BatchEntry]:
        """All batches in the order of loading; none where the table is not there yet."""
        query = sa.select(self.table).order_by(self.table.c.position)
        rows = unless_missing(self.engine, query, lambda result: result.mappings().all())
        return [_entry(row) for row in rows or ()]

    def add(self, connection: sa.Connection, entry: BatchEntry) -> None:
        """Within the transaction that adds the rows: both, or neither."""
        values = entry.as_dict() | {"at": datetime.now(UTC).replace(tzinfo=None, microsecond=0)}
        connection.execute(sa.insert(self.table).values(values))

    def update(
        self, changes: Mapping[int, Mapping[str, Any]], connection: sa.Connection | None = None
    ) -> None:
        """Changes by position, all or none; in another's transaction if one is given."""
        if connection is not None:
            for position, values in changes.items():
                here = self.table.c.position == position
                connection.execute(sa.update(self.table).where(here).values(dict(values)))
            return
        engine = self.engine.execution_options(writes=True)
        with answering(engine), engine.begin() as own:
            self.update(changes, own)


def _entry(row: Any) -> BatchEntry:
    return BatchEntry(**dict(row) | {"at": f"{row['at'].isoformat(timespec='seconds')}Z"})
