"""MLflow's database: a dump in the place of what is there, but for the accounts of this stack.

A dump can do whatever the role may that loads it: this one, which owns the database and nothing
else. What it could have done to itself is undone over a connection that was open before.
"""

from pathlib import Path

import sqlalchemy as sa
from psycopg2.extensions import encrypt_password  # type: ignore[import-untyped]
from sqlalchemy.engine import Engine

from rookery.errors import InputError
from rookery.stack.maintenance import clients, files
from rookery.stack.maintenance.contents import ACCOUNTS, shown
from rookery.stack.maintenance.terminal import printable
from rookery.stores.database import answering, quoted

# tables, views, functions and all else, whatever made them: a backup of an older MLflow has other
# tables than the stack. The database itself stays, and schema public, which is not the role's own
EMPTY = sa.text("DROP OWNED BY CURRENT_USER")
# names mean what they always do, whatever was made under the same
PLAIN_NAMES = sa.text("SET LOCAL search_path = pg_catalog")
# All but tables, indexes and sequences, with its definition where the name does not say it all;
# below 16384 are the objects that Postgres made itself:
# https://www.postgresql.org/docs/17/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
PROGRAMS = sa.text("""
WITH found (catalog, oid, made) AS (
    SELECT 'pg_proc'::regclass, oid, (to_jsonb(p) - 'oid')::text FROM pg_proc p
    UNION ALL
    SELECT 'pg_trigger'::regclass, oid, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, '' FROM pg_rewrite WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT 'pg_class'::regclass, oid, '' FROM pg_class WHERE relkind NOT IN ('r', 'i', 'S', 't')
    UNION ALL
    SELECT 'pg_class'::regclass, inhrelid, '' FROM pg_inherits
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, '' FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, oid, '' FROM pg_event_trigger
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, '' FROM pg_policy
    UNION ALL
    SELECT 'pg_operator'::regclass, oid, '' FROM pg_operator
    UNION ALL
    SELECT 'pg_cast'::regclass, oid, '' FROM pg_cast
    UNION ALL
    SELECT 'pg_extension'::regclass, oid, '' FROM pg_extension
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, oid, '' FROM pg_foreign_server
)
SELECT pg_describe_object(catalog, oid, 0), made FROM found WHERE oid >= 16384
""")
KNOWN = sa.text(
    f"SELECT username, password_hash, is_admin FROM public.users WHERE username IN {ACCOUNTS}"  # noqa: S608
)
SET_ACCOUNT = sa.text(
    "UPDATE public.users SET password_hash = :password_hash, is_admin = :is_admin "
    "WHERE username = :username"
)
OTHER_ADMINISTRATORS = sa.text(
    "SELECT username FROM public.users "  # noqa: S608
    f"WHERE is_admin AND username NOT IN {ACCOUNTS} ORDER BY username"
)

Programs = set[tuple[str, str]]


def replace(engine: Engine, dump: Path) -> list[str]:
    """Loads a dump, and returns the administrators that came with it.

    Where that fails nothing of the dump is left, and nothing of what was there before.

    Raises:
        InputError: the dump brings what MLflow does not make, or not the stack's accounts.
        Unavailable: the database is away or refuses.
    """
    with answering(engine, "postgres"), engine.connect() as own:
        with own.begin():
            accounts, made = own.execute(KNOWN).mappings().all(), _programs(own)
            own.execute(EMPTY)
        try:
            clients.load_postgres(engine, dump)
            with own.begin():
                refuse_foreign(_programs(own) - made)
                for account in accounts:
                    _set_account(own, account)
                return [str(name) for name in own.execute(OTHER_ADMINISTRATORS).scalars()]
        except BaseException:
            with own.begin():
                own.execute(EMPTY)
            raise
        finally:
            with own.begin():
                _reset_role(engine, own)


def _programs(own: sa.Connection) -> Programs:
    own.execute(PLAIN_NAMES)
    return {(str(name), str(made)) for name, made in own.execute(PROGRAMS)}


def refuse_foreign(programs: Programs) -> None:
    """Lets through what is in the stack's own database, word for word.

    Raises:
        InputError: there is something else, which could act when MLflow reads or writes.
    """
    if programs:
        raise InputError(
            f"its {files.POSTGRES} brings what MLflow does not make: "
            f"{shown(printable(name) for name, _ in programs)}",
            allowed="tables, and what the MLflow of this stack has made itself",
        )


def _set_account(own: sa.Connection, account: sa.RowMapping) -> None:
    changed = own.execute(SET_ACCOUNT, dict(account)).rowcount
    if changed != 1:
        raise InputError(
            f"its {files.POSTGRES} has {changed} MLflow users {account['username']} that "
            "can be given a password",
            allowed=f"one of each: {', '.join(ACCOUNTS)}",
        )


def _reset_role(engine: Engine, own: sa.Connection) -> None:
    """The password is sent as Postgres keeps it, so that no log of a statement shows it."""
    url, raw = engine.url, own.connection.dbapi_connection
    kept = encrypt_password(str(url.password), str(url.username), raw, "scram-sha-256")
    role, database = (quoted(engine, str(name)) for name in (url.username, url.database))
    own.execute(sa.text(f"ALTER ROLE {role} PASSWORD :kept"), {"kept": kept})
    for place in (f"ROLE {role}", f"ROLE {role} IN DATABASE {database}", f"DATABASE {database}"):
        own.execute(sa.text(f"ALTER {place} RESET ALL"))
    own.execute(sa.text(f"ALTER DATABASE {database} CONNECTION LIMIT -1"))
