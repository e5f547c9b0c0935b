"""Databases made for one test: SQLite always, and the servers whose addresses are given.

`ROOKERY_TEST_MYSQL_URL` and `ROOKERY_TEST_POSTGRES_URL` name accounts that may create databases.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from os import environ
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from rookery.stores.database import connect

SERVERS = {
    kind: environ[f"ROOKERY_TEST_{kind.upper()}_URL"]
    for kind in ("mysql", "postgres")
    if environ.get(f"ROOKERY_TEST_{kind.upper()}_URL")
}
KINDS = ["sqlite", *SERVERS]


@contextmanager
def database(kind: str, file: Path) -> Iterator[str]:
    """The address of an empty database; for SQLite that of a file which is not there yet."""
    if kind == "sqlite":
        yield f"sqlite:///{file}"
        return
    name = f"rookery_test_{uuid4().hex[:12]}"
    server = connect(SERVERS[kind])
    _alone(server, f"CREATE DATABASE {name}")
    address = server.url.set(database=name).render_as_string(hide_password=False)
    try:
        yield address
    finally:
        connect(address).dispose()
        connect(address, reading=True).dispose()
        _alone(server, f"DROP DATABASE {name}{' WITH (FORCE)' if kind == 'postgres' else ''}")


def _alone(server: sa.Engine, statement: str) -> None:
    with server.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)


def contents(address: str) -> list[str]:
    """Tables, rows and views as text, whatever the order in which the tables were made."""
    if address.startswith("sqlite:///"):
        file = address.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return sorted(connection.iterdump())
    found = []
    with connect(address).connect() as connection:
        inspector = sa.inspect(connection)
        for view in inspector.get_view_names():
            found.append(f"{view}: {inspector.get_view_definition(view)}")
        for name in inspector.get_table_names():
            columns = [f"{c['name']} {c['type']}" for c in inspector.get_columns(name)]
            rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(name)))
            found += [f"{name}: {columns}", *(f"{name}: {tuple(row)}" for row in rows)]
    return sorted(found)


def names(address: str) -> set[str]:
    """The tables, unfinished ones among them."""
    return set(sa.inspect(connect(address)).get_table_names())


def tables(address: str) -> dict[str, int]:
    """Rows by table, unfinished ones among them."""
    with connect(address).connect() as connection:
        return {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(sa.table(name))
            ).scalar_one()
            for name in sa.inspect(connection).get_table_names()
        }
