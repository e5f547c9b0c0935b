"""SQL queries."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from rookery.core.holdout import digest
from rookery.core.sections import Sql
from rookery.errors import InputError
from rookery.stores.batches import Batch
from rookery.stores.database import answering, connect
from rookery.stores.parquet_files import parquet_chunks, storable
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
    paths, state = list[Path](), hashlib.sha256()
    with answering(engine, "SOURCE_DATABASE_URL"), engine.connect() as connection:
        result = _rows_of(connection, sql.query)
        columns = list(result.keys())
        for rows in result.partitions(CHUNK):
            frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=columns)
            state.update(digest(frame).encode())
            paths.append(Path(spool.name) / f"{len(paths)}.parquet")
            storable(frame).to_parquet(paths[-1])

    def chunks() -> Iterator[pd.DataFrame]:
        with spool:
            yield from parquet_chunks(paths)

    place = engine.url.render_as_string(hide_password=True)
    return Batch(state.hexdigest()[:16], f"query on {place}", columns, chunks)


def _rows_of(connection: sa.Connection, query: str) -> sa.CursorResult[Any]:
    """The result of a query as it is written: a colon or a percent sign in it means nothing."""
    straight = connection.execution_options(stream_results=True, no_parameters=True)
    try:
        result = straight.exec_driver_sql(query)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise InputError(
            f"the query failed: {str(error.orig).splitlines()[0]}",
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
