"""The tables that the API writes: what it answered, and what turned out to be true."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DataError, IntegrityError

from rookery.errors import InputError, Unavailable
from rookery.stores.database import answering, unless_missing
from rookery.stores.sql_types import EXACT, LONG, MOMENT

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
    # as long as a registered model's name may be
    sa.Column("model", sa.String(256), nullable=False),
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
    # JSON as text: a label is told from a number
    sa.Column("outcome", LONG, nullable=False),
    sa.Column("note", LONG),
    sa.Column("at", MOMENT, nullable=False, index=True),
    sa.Column("who", sa.String(255), nullable=False),
    **EXACT,
)
FORGOTTEN_AT_A_TIME = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownPrediction(InputError):
    """No prediction has that id."""

    status = 404


@dataclass(frozen=True)
class Prediction:
    """What was asked and answered, with input and output parsed."""

    id: str
    at: datetime
    model: str
    version: str
    input: Any
    output: Any
    latency_seconds: float


# A block is read by the database itself: the interpreter, which requests need, does nothing a row.
# Strict, and not "ignore what is there": that would cut long texts and fill gaps in silence.
ADDING = """
INSERT INTO predictions (id, at, model, version, input, output, latency_seconds)
SELECT id, {at}, model, version, input, output, latency_seconds FROM {rows} AS new
WHERE NOT EXISTS (SELECT 1 FROM predictions AS old WHERE old.id = new.id)
"""
# text, as SQLAlchemy writes it
SQLITE_AT = """strftime('%Y-%m-%d %H:%M:%S', at / 1000000, 'unixepoch')
|| printf('.%06d', at % 1000000)"""
MYSQL_AT = "DATE_ADD('1970-01-01', INTERVAL at MICROSECOND)"
POSTGRES_AT = "TIMESTAMP '1970-01-01' + at * INTERVAL '1 microsecond'"
SQLITE_ROWS = """(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS at,
json_extract(value, '$[2]') AS model, json_extract(value, '$[3]') AS version,
json_extract(value, '$[4]') AS input, json_extract(value, '$[5]') AS output,
json_extract(value, '$[6]') AS latency_seconds FROM json_each(:block))"""
MYSQL_ROWS = """JSON_TABLE(:block, '$[*]' COLUMNS (id LONGTEXT PATH '$[0]', at BIGINT PATH '$[1]',
model LONGTEXT PATH '$[2]', version LONGTEXT PATH '$[3]', input LONGTEXT PATH '$[4]',
output LONGTEXT PATH '$[5]', latency_seconds DOUBLE PATH '$[6]'))"""
POSTGRES_ROWS = """(SELECT value->>0 AS id, (value->>1)::bigint AS at, value->>2 AS model,
value->>3 AS version, value->>4 AS input, value->>5 AS output,
(value->>6)::float8 AS latency_seconds FROM json_array_elements(CAST(:block AS json)))"""
FORMS = {
    "sqlite": ADDING.format(at=SQLITE_AT, rows=SQLITE_ROWS),
    "mysql": ADDING.format(at=MYSQL_AT, rows=MYSQL_ROWS),
    "postgresql": ADDING.format(at=POSTGRES_AT, rows=POSTGRES_ROWS),
}


def add_predictions(engine: Engine, blocks: Sequence[str]) -> int:
    """Adds those that are not there yet, at once; says how many the table will never take.

    A block is a JSON array of [id, microseconds since 1970, model, version, input, output,
    latency].

    Raises:
        Unavailable: the database failed; the same blocks may be given again.
    """
    adding = sa.text(FORMS[engine.dialect.name])
    try:
        with answering(engine), _adding_engine(engine).begin() as connection:
            for block in blocks:
                connection.execute(adding, {"block": block})
    except IntegrityError:
        return _add_parts(engine, blocks)
    except Unavailable as error:
        if isinstance(error.__cause__, DataError):
            return _add_parts(engine, blocks)
        raise
    return 0


def _adding_engine(engine: Engine) -> Engine:
    """Several processes send at a time: MySQL would lock the gaps between ids for each of them."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writes=True)
    return engine.execution_options(isolation_level="READ COMMITTED")


def _add_parts(engine: Engine, blocks: Sequence[str]) -> int:
    """A row that the database refuses must not keep back the others."""
    if len(blocks) > 1:
        return sum(add_predictions(engine, [block]) for block in blocks)
    rows = json.loads(blocks[0])
    if len(rows) < 2:
        return len(rows)
    half = len(rows) // 2
    return sum(add_predictions(engine, [json.dumps(part)]) for part in (rows[:half], rows[half:]))


def prediction_of(
    id_: str,
    at: int,
    model: str,
    version: str,
    input_: str | bytes,
    output: str | bytes,
    latency: float,
) -> Prediction:
    """A prediction as it is logged, before it is in the table."""
    moment = EPOCH + timedelta(microseconds=at)
    return Prediction(id_, moment, model, version, json.loads(input_), json.loads(output), latency)


def read_prediction(engine: Engine, prediction_id: str) -> Prediction | None:
    """The stored prediction of that id; None where there is none, or no table yet.

    Raises:
        Unavailable: the database does not answer.
    """
    query = sa.select(PREDICTIONS).where(PREDICTIONS.c.id == prediction_id)
    row = unless_missing(engine, query, lambda result: result.mappings().one_or_none())
    if row is None:
        return None
    parsed = {name: json.loads(row[name]) for name in ("input", "output")}
    return Prediction(**{**row, **parsed, "at": row["at"].replace(tzinfo=UTC)})


def add_feedback(
    engine: Engine,
    prediction_id: str,
    outcome: Any,
    note: str | None,
    at: datetime,
    *,
    who: str,
) -> None:
    """Attaches what turned out to be true to a prediction, which need not be stored yet.

    Raises:
        Unavailable: the database does not answer, or has no such table.
    """
    row = {
        "prediction_id": prediction_id,
        "outcome": json.dumps(outcome, ensure_ascii=False, allow_nan=False),
        "note": note,
        "at": at.astimezone(UTC).replace(tzinfo=None),
        "who": who[:255],
    }
    writer = engine.execution_options(writes=True)
    with answering(engine), writer.begin() as connection:
        connection.execute(sa.insert(FEEDBACK).values(row))


def forget_before(engine: Engine, moment: datetime) -> int:
    """Deletes predictions older than that, some at a time; says how many.

    Raises:
        Unavailable: the database does not answer, or this account may not delete.
    """
    old = sa.select(PREDICTIONS.c.id).where(
        PREDICTIONS.c.at < moment.astimezone(UTC).replace(tzinfo=None)
    )
    writer, forgotten = engine.execution_options(writes=True), 0
    while True:
        with answering(engine), writer.begin() as connection:
            ids = connection.execute(old.limit(FORGOTTEN_AT_A_TIME)).scalars().all()
            if not ids:
                return forgotten
            connection.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.id.in_(ids)))
            forgotten += len(ids)
