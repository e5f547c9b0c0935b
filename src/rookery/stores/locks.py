"""Locks that end with the process that holds them, on whatever host it is.

A server's advisory locks end with the connection that took them, the lock on a file with the
process that has it open. So whoever gets a lock knows that nobody else is at work, and that what
is left half-done was left by one that died.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Engine

from rookery.errors import Unavailable
from rookery.stores.database import answering

Release = Callable[[], Any]
PAUSE_SECONDS = 0.1


@contextmanager
def alone(engine: Engine, name: str, patience: float) -> Iterator[None]:
    """Holds a lock, waiting so many seconds for whoever has it.

    Raises:
        Unavailable: it was not to be had in that time, or the database failed.
    """
    deadline = time.monotonic() + patience
    while (release := take(engine, name)) is None:
        if time.monotonic() >= deadline:
            raise Unavailable(
                f"another job has been writing {name} for {patience:g} seconds",
                field="DATABASE_URL",
                value=engine.url.render_as_string(hide_password=True),
                allowed="one job at a time",
                next="the same command again, when the other one has ended",
            )
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        release()


def take(engine: Engine, name: str) -> Release | None:
    """What gives the lock back; None while it is held, be it by this process.

    Raises:
        Unavailable: the database failed.
    """
    if engine.dialect.name == "sqlite":
        return _take_file(engine, name)
    with answering(engine), ExitStack() as held:
        connection = held.enter_context(engine.connect())
        if not connection.execute(_asking(engine, name)).scalar_one():
            return None
        connection.commit()
        # out of the pool: the connection is the lock, and ends with it
        connection.detach()
        held.pop_all()
        return partial(_end, engine, connection.connection.dbapi_connection)


def _end(engine: Engine, connection: Any) -> None:
    """Frees the lock first: a server gets to the end of a connection when it has the time."""
    freeing = {
        "mysql": "SELECT RELEASE_ALL_LOCKS()",
        "postgresql": "SELECT pg_advisory_unlock_all()",
    }
    with suppress(engine.dialect.loaded_dbapi.Error):  # lost already, and the lock with it
        connection.cursor().execute(freeing[engine.dialect.name])
    connection.close()


def _asking(engine: Engine, name: str) -> sa.Select[Any]:
    """MySQL's names of locks are those of the whole server, and end at 64 characters."""
    key = sha256(f"{engine.url.database} {name}".encode())
    if engine.dialect.name == "mysql":
        return sa.select(sa.func.get_lock(f"rookery {key.hexdigest()[:32]}", 0))
    number = int.from_bytes(key.digest()[:8], "big", signed=True)
    return sa.select(sa.func.pg_try_advisory_lock(sa.literal(number, sa.BigInteger)))


def _take_file(engine: Engine, name: str) -> Release | None:
    database = Path(engine.url.database or ":memory:")
    lock = FileLock(database.with_name(f".{database.name}.{name}.lock"), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock.release


def create_missing(engine: Engine, metadata: sa.MetaData) -> list[str]:
    """Makes the tables that are not there yet, one process at a time, and names them.

    Raises:
        Unavailable: the database failed or refused.
    """
    wanted = set(metadata.tables)
    with answering(engine):
        if wanted <= set(sa.inspect(engine).get_table_names()):
            return []
    with alone(engine, "tables", 60), answering(engine), engine.begin() as connection:
        missing = sorted(wanted - set(sa.inspect(connection).get_table_names()))
        metadata.create_all(connection, [metadata.tables[name] for name in missing])
        return missing
