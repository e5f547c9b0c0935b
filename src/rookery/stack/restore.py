"""Brings a backup back into a stack that holds nothing yet.

Files first, then tables, the registry last and in one transaction: when the alias appears, all
that it needs is there. Passwords are not in a backup's charge: those of the stack stay.
"""

import argparse
import gzip
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version
from sqlalchemy.engine import Engine

from rookery.errors import InputError, RookeryError, Unavailable
from rookery.stack.backup import UNFINISHED
from rookery.stack.maintenance import clients, contents, files, objects
from rookery.stack.maintenance.ending import clean_up_when_stopped
from rookery.stack.maintenance.standstill import maintenance
from rookery.stack.maintenance.stores import Stores, open_stores
from rookery.stack.oneshot import finish
from rookery.stores.database import answering

AGAIN = (
    "docker compose down -v, which deletes what is in it; docker compose up --detach; "
    "then the same command again"
)
# whatever made them: a backup of an older MLflow has other tables than the stack
EMPTY_DATABASE = b"""SET lock_timeout = '60s';
SET client_min_messages = warning;
DO $$
DECLARE command text;
BEGIN
  FOR command IN
    SELECT format('DROP TABLE IF EXISTS public.%I CASCADE', tablename)
      FROM pg_tables WHERE schemaname = 'public'
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('DROP TYPE IF EXISTS public.%I CASCADE', typname)
      FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
  LOOP
    EXECUTE command;
  END LOOP;
END $$;
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the one-shot; the exit code says how it went."""
    parser = argparse.ArgumentParser(prog="python -m rookery.stack.restore", description=__doc__)
    parser.add_argument("backup", nargs="?", default="", help="backups/<time>")
    parser.add_argument("--backups", type=Path, default=Path("/backups"), help="default: /backups")
    parser.add_argument("--run", type=Path, default=Path("/run"), help="above the keys: /run")
    given = parser.parse_args(arguments)
    clean_up_when_stopped()
    return finish(lambda: bring_back(given.backups, given.backup, given.run))


def bring_back(backups: Path, backup: str, run: Path) -> str:
    """Restores a backup, and says what the stack holds now.

    Raises:
        InputError: there is no such backup, it is damaged, or the stack is not empty; nothing was
            changed then.
        Unavailable: a store failed; the message says whether part of the backup is there.
    """
    with _reading(backup or "backups/"):
        place = chosen(backups, backup)
        manifest = files.checked(place)
    check_versions(place.name, manifest)
    stores = open_stores(run)
    with maintenance(stores.mysql):
        refuse_filled(contents.held(stores))
        with _all_or_message(place.name):
            _load(stores, place)
            check_counts(manifest, _counts(stores))
    return _summary(place.name, manifest)


@contextmanager
def _reading(backup: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        user, group = os.getuid(), os.getgid()
        raise Unavailable(
            f"{backup} cannot be read by user {user}: {error.strerror or error} "
            f"({error.filename}); nothing was changed",
            value=backup,
            next=f"sudo chown -R {user}:{group} {backup}",
        ) from error


def chosen(backups: Path, backup: str) -> Path:
    """The folder that is meant, however its path was written.

    Raises:
        InputError: there is none, or it is unfinished.
    """
    name = Path(backup).name
    there = sorted(place.name for place in backups.iterdir() if place.is_dir())
    whole = [found for found in there if not found.endswith(UNFINISHED)]
    if name in whole:
        return backups / name
    raise InputError(
        f"there is no backup {backup}" if backup else "which backup? None was named",
        field="FROM",
        value=backup,
        allowed=", ".join(f"backups/{found}" for found in whole[-5:])
        or "a folder in backups/, where there is none yet",
        next=f"docker compose run --rm restore backups/{whole[-1] if whole else '<time>'}",
    )


def check_versions(name: str, manifest: files.Manifest) -> None:
    """A newer MLflow's tables cannot be read by an older one.

    Raises:
        InputError: the backup is of a newer MLflow.
    """
    theirs, ours = manifest.versions.get("mlflow", "0"), version("mlflow-skinny")
    if Version(theirs) > Version(ours):
        raise InputError(
            f"backups/{name} was made with MLflow {theirs}, this stack has {ours}, which cannot "
            "read it; nothing was changed",
            field="mlflow",
            value=theirs,
            allowed=f"{ours} or older",
            next="restore it with the Rookery that made it, "
            f"{manifest.versions.get('rookery')}, or a newer one",
        )


def refuse_filled(held: Sequence[str]) -> None:
    """Lets a new stack pass only: what is in another one would be lost.

    Raises:
        InputError: the stack holds something.
    """
    if held:
        raise InputError(
            f"the stack is not empty, so nothing was restored. It holds: {'; '.join(held)}",
            allowed="a new stack",
            next=f"docker compose run --rm backup, if it is to be kept; then {AGAIN}",
        )


@contextmanager
def _all_or_message(name: str) -> Iterator[None]:
    try:
        yield
    except (RookeryError, OSError) as error:
        said = error.message if isinstance(error, RookeryError) else str(error)
        raise Unavailable(
            f"backups/{name} was not restored: {said}. The stack holds a part of it now",
            next=AGAIN,
        ) from error


def _load(stores: Stores, place: Path) -> None:
    for bucket in stores.buckets:
        objects.unpack(place / files.OBJECTS[bucket.name], bucket)
    with gzip.open(place / files.MYSQL) as statements:
        clients.load_mysql(stores.mysql, iter(lambda: statements.read(clients.CHUNK), b""))
    accounts = _accounts(stores.postgres)
    clients.load_postgres(stores.postgres, _script(place / files.POSTGRES, accounts))


def _script(dump: Path, accounts: bytes) -> Iterator[bytes]:
    """Everything in the place of what was there, but for the accounts of this stack."""
    yield EMPTY_DATABASE
    yield from clients.dumped_statements(str(dump))
    yield accounts


def _accounts(engine: Engine) -> bytes:
    """Statements that give MLflow's own accounts the passwords that this stack knows."""
    query = f"SELECT username, password_hash FROM users WHERE username IN {contents.ACCOUNTS}"  # noqa: S608
    with answering(engine, "postgres"), engine.connect() as connection:
        found = connection.exec_driver_sql(query).all()
    return "".join(
        f"UPDATE public.users SET password_hash = {_literal(known)} "  # noqa: S608
        f"WHERE username = {_literal(name)};\n"
        for name, known in found
    ).encode()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _counts(stores: Stores) -> dict[str, int]:
    with answering(stores.postgres, "postgres"), stores.postgres.connect() as connection:
        registry = contents.registry_counts(connection)
    return registry | contents.table_counts(stores.mysql)


def check_counts(manifest: files.Manifest, found: dict[str, int]) -> None:
    """More is no fault: the API records while a backup is taken.

    Raises:
        Unavailable: something of the backup is missing.
    """
    for what, many in manifest.counts.items():
        if not what.startswith("bucket ") and found.get(what, 0) < many:
            raise Unavailable(f"{what}: {found.get(what, 0)} instead of {many}", value=what)


def _summary(name: str, manifest: files.Manifest) -> str:
    listed = "\n".join(f"  {many:>9,}  {what}" for what, many in manifest.counts.items())
    return (
        f"backups/{name} is restored\n{listed}\n"
        "Next, to start what does not run yet: docker compose up --detach"
    )


if __name__ == "__main__":
    sys.exit(main())
