"""Copies the three stores together into a folder named by the time, with a manifest of hashes.

Tables and registry are dumped while nobody can promote; objects follow, because files are only
added: what the dumped registry names is there already.
"""

import argparse
import gzip
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery import __version__
from rookery.errors import Unavailable
from rookery.jobs.stopping import stops_raise
from rookery.stack.disk import flush
from rookery.stack.maintenance import clients, contents, files, mysql, objects
from rookery.stack.maintenance.standstill import maintenance, standstill
from rookery.stack.maintenance.stores import Stores, open_stores
from rookery.stack.oneshot import finish
from rookery.stack.settings import stack_settings
from rookery.stores.database import answering

UNFINISHED = ".partial"
# most of what a higher level saves, in a third of its time
COMPRESSION = 3


@dataclass(frozen=True)
class RegistryDump:
    """What MLflow's database held when it was dumped."""

    counts: dict[str, int]
    folders: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the one-shot; the exit code says how it went."""
    parser = argparse.ArgumentParser(prog="python -m rookery.stack.backup", description=__doc__)
    parser.add_argument("--backups", type=Path, default=Path("/backups"), help="default: /backups")
    parser.add_argument("--run", type=Path, default=Path("/run"), help="above the keys: /run")
    given = parser.parse_args(arguments)
    with stops_raise():
        return finish(
            lambda: back_up(given.backups, given.run, stack_settings().artifacts_destination)
        )


def back_up(backups: Path, run: Path, elsewhere: str | None = None) -> str:
    """Makes a backup, and says in a few lines what it holds.

    Files of runs and models that are `elsewhere`, in Azure Blob, are not copied.

    Raises:
        Unavailable: the folder cannot be written, or a store is away; no backup is left then.
        InputError: another backup is under way.
    """
    at = datetime.now(UTC)
    with _new_folder(backups, at.strftime("%Y-%m-%dT%H-%M-%SZ")) as folder:
        stores = open_stores(run)
        with maintenance(stores.mysql):
            _remove_unfinished(backups, folder.path)
            manifest = _copy(stores, folder, at, elsewhere)
            left_out = mysql.programs(stores.mysql)
    summary = _summary(backups / folder.path.stem, manifest, left_out)
    return summary + (f"\nwarning: files at {elsewhere} are not in the backup" if elsewhere else "")


@contextmanager
def _new_folder(backups: Path, name: str) -> Iterator[files.Folder]:
    """A folder that gets its name when all is in it, and vanishes if that fails."""
    partial = backups / f"{name}{UNFINISHED}"
    with _writing(backups):
        partial.mkdir(mode=0o700)
        try:
            yield files.Folder(partial)
            flush(partial)
            partial.rename(backups / name)
            flush(backups)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


@contextmanager
def _writing(backups: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        user, group = os.getuid(), os.getgid()
        raise Unavailable(
            f"the backup cannot be written to the folder backups/: {error.strerror or error} "
            f"({error.filename or backups}; by user {user}); no backup was made",
            field="HOST_UID",
            value=user,
            allowed="a folder with enough space, whose owner is HOST_UID and HOST_GID of .env "
            "(1000 and 1000 where they are not set)",
            next=f"df -h backups; sudo chown {user}:{group} backups",
        ) from error


def _remove_unfinished(backups: Path, ours: Path) -> None:
    """Of backups that were killed: whoever is alone may remove it."""
    for left in backups.glob(f"*{UNFINISHED}"):
        if left != ours:
            shutil.rmtree(left, ignore_errors=True)


def _copy(
    stores: Stores, folder: files.Folder, at: datetime, elsewhere: str | None
) -> files.Manifest:
    with standstill(stores.mysql):
        counts = _dump_tables(stores.mysql, folder)
        registry = _dump_registry(stores.postgres, folder)
    packed: dict[str, set[str]] = {}
    for bucket in stores.buckets:
        with folder.writing(files.OBJECTS[bucket.name]) as file:
            packed[bucket.name] = objects.pack(bucket, file)
    manifest = files.Manifest(
        format=files.FORMAT,
        at=at.isoformat(timespec="seconds"),
        versions=_versions(stores),
        counts=registry.counts
        | counts
        | {f"bucket {name}": len(keys) for name, keys in packed.items()},
        without_files=[]
        if elsewhere
        else contents.without_files(registry.folders, packed["mlflows3"]),
        files=folder.entries,
    )
    with folder.writing(files.MANIFEST) as file:
        file.write(manifest.model_dump_json(indent=2).encode())
    return manifest


def _dump_tables(engine: Engine, folder: files.Folder) -> dict[str, int]:
    """Counted just before: the API may add a prediction in between."""
    counts = contents.table_counts(engine)
    with (
        folder.writing(files.MYSQL) as file,
        gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed,
    ):
        for chunk in clients.dump_mysql(engine):
            packed.write(chunk)
    return counts


def _dump_registry(engine: Engine, folder: files.Folder) -> RegistryDump:
    """Dump, counts and folders of one and the same snapshot."""
    reading = engine.execution_options(isolation_level="REPEATABLE READ")
    with answering(engine, "postgres"), reading.connect() as connection:
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        with folder.writing(files.POSTGRES) as file:
            for chunk in clients.dump_postgres(engine, snapshot):
                file.write(chunk)
        return RegistryDump(
            contents.registry_counts(connection), contents.model_folders(connection)
        )


def _versions(stores: Stores) -> dict[str, str]:
    found = {"rookery": __version__, "mlflow": version("mlflow-skinny")}
    for name, engine in (("mysql", stores.mysql), ("postgres", stores.postgres)):
        with answering(engine, name), engine.connect() as connection:
            found[name] = connection.execute(sa.text("SELECT version()")).scalar_one()
    return found


def _summary(place: Path, manifest: files.Manifest, left_out: Sequence[str]) -> str:
    kilobytes = sum(entry.size for entry in manifest.files.values()) / 1000
    listed = "\n".join(f"  {many:>9,}  {what}" for what, many in manifest.counts.items())
    lost = "".join(
        f"\nwarning: {name} has no files in the store" for name in manifest.without_files
    )
    lost += "".join(f"\nwarning: {name} of MySQL is not in the backup" for name in left_out)
    return f"backups/{place.name}: {kilobytes:,.0f} kB\n{listed}{lost}"


if __name__ == "__main__":
    sys.exit(main())
