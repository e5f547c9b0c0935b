"""Brings a backup back into a stack that holds nothing yet.

Files first, then tables, the registry last and in one transaction: when the alias appears, all
that it needs is there. Passwords and rights are not in a backup's charge: those of the stack stay.
Nothing in a backup is trusted: whoever can write to the folder wrote the hashes too.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

from rookery.errors import InputError, RookeryError, Unavailable
from rookery.jobs.stopping import stops_raise
from rookery.stack.backup import UNFINISHED
from rookery.stack.maintenance import contents, files, members, mysql, objects, postgres
from rookery.stack.maintenance.standstill import maintenance
from rookery.stack.maintenance.stores import Stores, open_stores
from rookery.stack.oneshot import finish
from rookery.stores.database import answering

NEW_STACK = "docker compose down -v, which deletes what is in it; docker compose up --detach; then "
AGAIN = f"{NEW_STACK}the same command again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the one-shot; the exit code says how it went."""
    parser = argparse.ArgumentParser(prog="python -m rookery.stack.restore", description=__doc__)
    parser.add_argument("backup", nargs="?", default="", help="backups/<time>")
    parser.add_argument("--backups", type=Path, default=Path("/backups"), help="default: /backups")
    parser.add_argument("--run", type=Path, default=Path("/run"), help="above the keys: /run")
    given = parser.parse_args(arguments)
    with stops_raise():
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
        for name in files.OBJECTS.values():
            members.check(place / name)
    check_versions(place.name, manifest)
    stores = open_stores(run)
    with maintenance(stores.mysql):
        refuse_filled(contents.held(stores))
        with _all_or_message(place.name):
            administrators = _load(stores, place)
            check_counts(manifest, _counts(stores))
    return summary(place.name, manifest, administrators)


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
    except InputError as error:
        raise InputError(
            f"backups/{name} was not restored: {error.message}. The stack holds a part of it now, "
            "which is not to be used",
            field="FROM",
            value=name,
            allowed=error.allowed,
            next=f"{NEW_STACK}restore another one: ls backups",
        ) from error
    except (RookeryError, OSError, KeyboardInterrupt) as error:
        said = error.message if isinstance(error, RookeryError) else str(error)
        raise Unavailable(
            f"backups/{name} was not restored: {said}. The stack holds a part of it now",
            next=AGAIN,
        ) from error


def _load(stores: Stores, place: Path) -> list[str]:
    """MLflow's administrators that came with it."""
    for bucket in stores.buckets:
        objects.unpack(place / files.OBJECTS[bucket.name], bucket)
    mysql.replace(stores.mysql, place / files.MYSQL)
    return postgres.replace(stores.postgres, place / files.POSTGRES)


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


def summary(name: str, manifest: files.Manifest, administrators: Sequence[str]) -> str:
    """What came back, and whoever may do everything in MLflow besides the stack's own `admin`.

    Names are in ASCII: two that look the same would not be seen to differ.
    """
    listed = "\n".join(f"  {many:>9,}  {what}" for what, many in manifest.counts.items())
    came = ", ".join(ascii(one) for one in administrators)
    warning = f"\nwarning: administrators of MLflow that came with the backup: {came}"
    return (
        f"backups/{name} is restored\n{listed}{warning if came else ''}\n"
        "Next, to start what does not run yet: docker compose up --detach"
    )


if __name__ == "__main__":
    sys.exit(main())
