"""The tables that the API writes: what it answered, and what turned out to be true."""

import sqlalchemy as sa

from rookery.stores.column_types import EXACT, LONG, MOMENT

METADATA = sa.MetaData()
# SQLite counts up only in a column that it calls INTEGER
COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The id is given by whoever answered, so that rows sent twice are known; lineage looks for it.
# Input and output are JSON as text: kept to the letter, and quicker to insert than parsed JSON.
# The only other index is the one that retention and drift need: rows by their age.
PREDICTIONS = sa.Table(
    "predictions",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", MOMENT, nullable=False, index=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("input", LONG, nullable=False),
    sa.Column("output", LONG, nullable=False),
    sa.Column("latency_seconds", sa.Double, nullable=False),
    **EXACT,
)

# No foreign key: an outcome may arrive before its prediction, which can wait in a spool, and may
# stay after it, which has an age limit.
FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("id", COUNTED, primary_key=True, autoincrement=True),
    sa.Column("prediction_id", sa.String(36), nullable=False, index=True),
    sa.Column("outcome", LONG, nullable=False),
    sa.Column("at", MOMENT, nullable=False, index=True),
    sa.Column("who", sa.String(255), nullable=False),
    **EXACT,
)
