"""Connections to databases; what differs between them stands here and in `tables`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from rookery.errors import InputError, Unavailable

Found = TypeVar("Found")

IN_USE = "; another connection, maybe an open notebook or a backup, has not ended what it began"
FULL = "; the disk of the database is full"
# MySQL's numbers and the codes of the standard
HINTS = {"1205": IN_USE, "55P03": IN_USE, "1114": FULL, "1021": FULL, "53100": FULL}
EXTRAS = {"mysql": "mysql", "postgresql": "postgres"}


@cache
def connect(url: str, setting: str = "DATABASE_URL", *, reading: bool = False) -> Engine:
    """The engine for a database address, one per process and address.

    A SQLite file that is only for `reading` is neither made nor changed.

    Raises:
        InputError: the address is not one, or its driver is not installed.
    """
    address = _address(url, setting)
    try:
        if address.get_backend_name() == "sqlite":
            return _sqlite_source(address, setting) if reading else _sqlite(address)
        return sa.create_engine(
            address,
            pool_pre_ping=True,
            pool_recycle=300,
            connect_args=_session(address, reading=reading),
        )
    except NoSuchModuleError as error:
        raise _unknown(address, setting) from error
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(address.get_backend_name())
        if extra is None:  # a library that SQLAlchemy knows, and we do not
            raise _unknown(address, setting) from error
        raise InputError(
            f"the driver for {address.get_backend_name()} is not installed ({error.name})",
            field=setting,
            value=address.drivername,
            next=f"pip install 'rookery[{extra}]'",
        ) from error


@contextmanager
def answering(engine: Engine, setting: str = "DATABASE_URL") -> Iterator[None]:
    """Turns a database that does not answer into one clear error, with its address.

    Raises:
        Unavailable: naming host and setting, never the password.
    """
    try:
        yield
    except IntegrityError:  # an answer: a unique column holds
        raise
    except DBAPIError as error:
        place = engine.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"the database at {place} failed: {cause_of(error)}",
            field=setting,
            value=place,
            next="rookery doctor",
        ) from error


def unless_missing(
    engine: Engine, query: sa.Executable, reading: Callable[[sa.Result[*tuple[Any, ...]]], Found]
) -> Found | None:
    """What is read of a query's result; None where its table is not there.

    The table is not looked for first. It may go between the look and the query, and a MySQL
    transaction that has looked at a table is in the way of its replacement: the query would wait
    for the replacement, which waits for the transaction.

    Raises:
        Unavailable: the database failed.
    """
    with answering(engine), engine.connect() as connection:
        try:
            return reading(connection.execute(query))
        except DBAPIError as error:
            if not is_missing(error):
                raise
            return None


def is_missing(error: DBAPIError) -> bool:
    """Whether it says that a table is not there."""
    return error_code(error) in ("1146", "42P01") or "no such table" in str(error.orig)


def cause_of(error: DBAPIError) -> str:
    """What the database said, in one line."""
    said = error.orig.args if error.orig else ()
    if len(said) == 2 and isinstance(said[0], int):  # MySQL: number and message
        text = f"{said[1]} ({said[0]})" if said[1] else "the connection was lost"
    else:
        text = str(error.orig or error)
    detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
    first = next(iter(text.strip().splitlines()), "")
    return first + (f": {detail}" if detail else "") + HINTS.get(error_code(error), "")


def error_code(error: DBAPIError) -> str:
    """MySQL's number of an error or the standard's five characters, as Postgres gives them."""
    said = error.orig.args if error.orig else ()
    return str(getattr(error.orig, "pgcode", None) or next(iter(said), ""))


def _address(url: str, setting: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # any part of it may be the password: shown neither here nor as the cause
        raise InputError(
            f"{setting} is not a database address",
            field=setting,
            allowed="dialect://user:password@host:port/database (/, @ and : in a password as "
            "%2F, %40, %3A), or unset for SQLite",
        ) from None
    # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3
    if address.drivername == "postgresql":
        return address.set(drivername="postgresql+psycopg2")
    return address


def _unknown(address: URL, setting: str) -> InputError:
    return InputError(
        f"{setting} names a database that is not known: {address.drivername!r}",
        field=setting,
        value=address.drivername,
        allowed="sqlite, mysql, postgresql",
    )


def plain_place(url: str) -> str | None:
    """An address that may be read by all, a SQLite file by its whole path.

    None where it names a user or has options: any of them may be a secret.

    Raises:
        InputError: it is no address.
    """
    address = _address(url, "--from")
    if address.username or address.password or address.query:
        return None
    if address.get_backend_name() == "sqlite" and address.database:
        return f"sqlite:///{Path(address.database).resolve()}"
    return url


# Literals are written for this mode; a table in use is an error after a minute, not after a year;
# the server waits while a chunk that it sent is worked on.
MYSQL_OWN = (
    "SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00', "
    "lock_wait_timeout = 60, net_write_timeout = 600"
)
MYSQL_SOURCE = "SET SESSION transaction_read_only = ON, net_write_timeout = 600"
# Postgres may start a scan of a large table in its middle, unless told
POSTGRES_OWN = "-c timezone=UTC -c lock_timeout=60s -c synchronize_seqscans=off"
POSTGRES_SOURCE = "-c default_transaction_read_only=on"


def _session(address: URL, *, reading: bool) -> dict[str, Any]:
    """Ten seconds to connect: a host that is away is an error, not a hang."""
    given: dict[str, Any] = {"connect_timeout": 10}
    if address.get_backend_name() == "mysql":
        # one statement at a time: what follows a semicolon is not ours
        given |= {"charset": "utf8mb4", "multi_statements": False}
        if reading:  # somebody's query may take its time
            return given | {"init_command": MYSQL_SOURCE}
        return given | {"init_command": MYSQL_OWN, "read_timeout": 600, "write_timeout": 600}
    if address.get_backend_name() == "postgresql":
        chosen = address.query.get("options", "")
        return given | {"options": f"{chosen} {POSTGRES_SOURCE if reading else POSTGRES_OWN}"}
    return {}


def quoted(database: Engine | str, name: str) -> str:
    """A name as its database quotes it; of an address, no driver has to be there.

    Raises:
        InputError: the address is not one.
    """
    if isinstance(database, Engine):
        dialect = database.dialect
    else:
        address = _address(database, "--from")
        try:
            dialect = address.get_dialect()()
        except NoSuchModuleError as error:
            raise _unknown(address, "--from") from error
    return str(dialect.identifier_preparer.quote_identifier(name))


def _sqlite_source(address: URL, setting: str) -> Engine:
    """Somebody else's file: no journal of ours, nothing written."""
    if not Path(address.database or "").is_file():
        raise InputError(
            f"there is no SQLite file {address.database}",
            field=setting,
            value=address.database,
            allowed="sqlite:///PATH of an existing file",
        )
    engine = sa.create_engine(address)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 30000")
        connection.execute("PRAGMA query_only = ON")

    return engine


def _sqlite(address: URL) -> Engine:
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(address)

    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html: sqlite3 on its own opens no
    # transaction before DDL, so a swap of tables would not be atomic
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 30000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # a view of the user's own on a table that is being replaced must not stop the swap
        connection.execute("PRAGMA legacy_alter_table = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
