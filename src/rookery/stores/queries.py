"""SQL queries."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from rookery.core.holdout import digest
from rookery.core.sections import Sql
from rookery.errors import InputError
from rookery.stores.batches import Batch
from rookery.stores.database import answering, cause_of, connect
from rookery.stores.parquet_files import frame_of
from rookery.stores.tables import CHUNK


def open_query(sql: Sql, default_url: str | None, cache: Path) -> Batch:
    """The result is kept in files first, so that what is loaded is what was digested."""
    url = sql.url or default_url
    if url is None:
        raise InputError(
            "the task reads from a database, but no address is given",
            field="SOURCE_DATABASE_URL",
            allowed="an address, or `sql: url:`",
        )
    engine = connect(url, "SOURCE_DATABASE_URL", reading=True)
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    spool = tempfile.TemporaryDirectory(dir=cache, prefix="query-")
    parts, state = list[Path](), hashlib.sha256()
    schema = pa.schema([])
    with answering(engine, "SOURCE_DATABASE_URL"), engine.connect() as connection:
        result = _rows_of(connection, sql.query)
        columns = list(result.keys())
        for rows in result.partitions(CHUNK):
            part = _table(columns, rows)
            state.update(digest(frame_of(part)).encode())
            schema = part.schema if not parts else _both(schema, part.schema)
            parts.append(Path(spool.name) / f"{len(parts)}.parquet")
            pq.write_table(part, parts[-1])

    def chunks() -> Iterator[pd.DataFrame]:
        with spool:
            for path in parts:
                yield frame_of(pq.read_table(path).cast(schema, safe=False))

    place = engine.url.render_as_string(hide_password=True)
    return Batch(state.hexdigest()[:16], f"query on {place}", columns, chunks)


def _table(columns: list[str], rows: Sequence[Any]) -> pa.Table:
    """Rows as a driver gave them; integers with gaps stay integers."""
    cells = zip(*rows, strict=True)
    return pa.table([_array(list(column)) for column in cells], names=columns)


def _array(values: list[Any]) -> pa.Array:
    """What a table can hold of a column; several kinds of values, or another kind, as text."""
    try:
        found = pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError):
        found = None
    if found is not None and _is_plain(found.type):
        return found
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _is_plain(kind: pa.DataType) -> bool:
    plain = (
        pa.types.is_null,
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_string,
        pa.types.is_date,
        pa.types.is_timestamp,
    )
    return any(is_one(kind) for is_one in plain)


def _both(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    """What holds the values of both: a database may give one kind now and another one later."""
    return pa.schema([_widest(a, b) for a, b in zip(one, other, strict=True)])


def _widest(one: pa.Field, other: pa.Field) -> pa.Field:
    try:
        (found,) = pa.unify_schemas(
            [pa.schema([one]), pa.schema([other])], promote_options="permissive"
        )
    except pa.ArrowException:
        return pa.field(one.name, pa.string())
    return found


def _rows_of(connection: sa.Connection, query: str) -> sa.CursorResult[Any]:
    """The result of a query as it is written: a colon or a percent sign in it means nothing."""
    straight = connection.execution_options(stream_results=True, no_parameters=True)
    try:
        result = straight.exec_driver_sql(query)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise InputError(
            f"the query failed: {cause_of(error)}",
            field="source.sql.query",
            value=query[:200],
            allowed="a query that the database understands",
        ) from error
    names = list(result.keys()) if result.returns_rows else []
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"the query gives {'a column name twice' if names else 'no rows'}",
            field="source.sql.query",
            value=query[:200],
            allowed="one SELECT whose columns have different names",
        )
    return result
