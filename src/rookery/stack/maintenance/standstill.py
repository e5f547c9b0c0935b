"""A time in which no job swaps tables and nobody promotes, while the API answers and records."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.errors import InputError, Unavailable
from rookery.stack.maintenance.stores import tables
from rookery.stores.database import answering
from rookery.stores.ledger import PROMOTIONS, Ledger, pending
from rookery.stores.locks import alone, take

PATIENCE_SECONDS = 300.0
PAUSE_SECONDS = 0.2
OF_A_TASK = ("_raw", "_clean", "_rejected")


@contextmanager
def maintenance(engine: Engine) -> Iterator[None]:
    """One backup or restore at a time.

    Raises:
        InputError: another one is under way.
    """
    release = take(engine, "maintenance")
    if release is None:
        raise InputError(
            "another backup or restore of this stack is under way",
            allowed="one at a time",
            next="the same command again, when that one has ended",
        )
    try:
        yield
    finally:
        release()


@contextmanager
def standstill(engine: Engine) -> Iterator[None]:
    """Holds jobs and promotions back, after those under way have ended.

    A promotion writes to the ledger before it moves the alias: with the ledger locked none can
    begin, of whatever task. It waits, and goes on afterwards.

    Raises:
        Unavailable: a job or a promotion did not end in time, or the database is away.
    """
    with ExitStack() as held:
        with answering(engine), engine.connect() as connection:
            names = _tasks(tables(connection))
        for name in names:
            held.enter_context(alone(engine, name, PATIENCE_SECONDS))
        held.enter_context(_closed_ledger(engine))
        yield


def _tasks(names: list[str]) -> list[str]:
    found = {name.removesuffix(end) for name in names for end in OF_A_TASK if name.endswith(end)}
    return sorted(found)


@contextmanager
def _closed_ledger(engine: Engine) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with answering(engine), engine.connect() as connection:
        # out of the pool: a table lock lasts as long as its connection
        connection.detach()
        while under_way := _lock_between_promotions(engine, connection):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"a promotion of {under_way} has been under way for {PATIENCE_SECONDS:g} "
                    "seconds",
                    value=under_way,
                    next=f"rookery status {under_way}",
                )
            time.sleep(PAUSE_SECONDS)
        yield


def _lock_between_promotions(engine: Engine, connection: sa.Connection) -> str | None:
    """Locks the ledger and returns None; the task, and no lock, while one is being promoted."""
    connection.exec_driver_sql(f"LOCK TABLES {PROMOTIONS.name} READ")
    of_tasks = sa.select(PROMOTIONS.c.task).where(PROMOTIONS.c.outcome == "pending")
    for task in connection.execute(of_tasks).scalars().all():
        if _alive(engine, task):
            connection.exec_driver_sql("UNLOCK TABLES")
            return str(task)
    return None


def _alive(engine: Engine, task: str) -> bool:
    """An attempt whose process died is copied as it is: the next command repairs it, here or
    there."""
    ledger = Ledger(engine.url.render_as_string(hide_password=False))
    entry = pending(ledger.entries(task))
    return entry is not None and not ledger.abandoned(entry)
