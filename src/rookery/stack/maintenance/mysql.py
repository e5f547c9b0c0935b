"""The tables: read back from a dump, without the rights and the programs that it may bring."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.errors import InputError
from rookery.stack.maintenance import clients, files
from rookery.stack.maintenance.contents import shown
from rookery.stack.maintenance.stores import tables
from rookery.stack.maintenance.terminal import printable
from rookery.stack.tables import API_ACCOUNT, RIGHTS, set_up
from rookery.stores.database import answering, quoted

PROGRAMS = sa.text("""
SELECT CONCAT('trigger ', trigger_name, ' on ', event_object_table) FROM information_schema.triggers
    WHERE trigger_schema = DATABASE()
UNION ALL
SELECT CONCAT(LOWER(routine_type), ' ', routine_name) FROM information_schema.routines
    WHERE routine_schema = DATABASE()
UNION ALL
SELECT CONCAT('event ', event_name) FROM information_schema.events
    WHERE event_schema = DATABASE()
""")


def programs(engine: Engine) -> list[str]:
    """Triggers, procedures, functions and events, which no backup takes along.

    Raises:
        Unavailable: the database is away.
    """
    with answering(engine), engine.connect() as connection:
        return sorted(printable(str(name)) for name in connection.execute(PROGRAMS).scalars())


def replace(engine: Engine, dump: Path) -> None:
    """Loads a dump; afterwards the accounts have the passwords and the rights of this stack.

    Raises:
        InputError: the dump brings a program, or is cut off.
        Unavailable: the database is away or refuses; what ran before stays.
    """
    # open from before the load: a password that the dump changes cannot shut it out
    with answering(engine), engine.connect() as own:
        before = tables(own)
        own.commit()
        try:
            clients.load_mysql(engine, _statements(dump))
        finally:
            _reset_password(engine, own)
            _revoke(engine, own, before)
            own.commit()
    refuse_programs(programs(engine))
    for _ in set_up(engine.url.render_as_string(hide_password=False)):
        pass


def refuse_programs(found: list[str]) -> None:
    """Lets a dump through that holds tables and views alone.

    Raises:
        InputError: something in it would run later, when a table is read or written.
    """
    if found:
        raise InputError(f"its {files.MYSQL} brings {shown(found)}", allowed="tables and views")


def _statements(dump: Path) -> Iterator[bytes]:
    try:
        with gzip.open(dump) as packed:
            while chunk := packed.read(clients.CHUNK):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"its {files.MYSQL} is damaged: {error}") from error


def _reset_password(engine: Engine, own: sa.Connection) -> None:
    """The one thing that an account without rights on accounts may change of itself."""
    own.execute(
        sa.text("ALTER USER USER() IDENTIFIED BY :password"), {"password": engine.url.password}
    )


def _revoke(engine: Engine, own: sa.Connection, before: list[str]) -> None:
    """Of the API's account all rights on the database and on each table that there is or was."""
    there = {*before, *tables(own), *sa.inspect(own).get_view_names(), *RIGHTS}
    # a database's name in a grant is a pattern
    database = str(engine.url.database).replace("_", r"\_")
    places = [f"{quoted(engine, database)}.*", *(quoted(engine, name) for name in sorted(there))]
    rights = [f"{right} ON {place}" for place in places for right in ("ALL", "GRANT OPTION")]
    rights.append(f"PROXY ON '{engine.url.username}'@'%'")
    as_it_is = own.execution_options(no_parameters=True)
    for right in rights:
        as_it_is.exec_driver_sql(f"REVOKE IF EXISTS {right} FROM '{API_ACCOUNT}'@'%'")
