"""What the stores hold: counted for a manifest, and named where a restore must not touch it."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.stack.maintenance import objects
from rookery.stack.maintenance.stores import Stores, tables
from rookery.stack.maintenance.terminal import printable
from rookery.stores import ledger, predictions
from rookery.stores.database import answering, quoted

# those that mysql-setup makes
OURS = {*predictions.METADATA.tables, *ledger.METADATA.tables}
# made by mlflow-migrate; they keep the passwords of the stack that they are in
ACCOUNTS = ("admin", "rookery_api")
REGISTRY = {
    "experiments": "experiments",
    "runs": "runs",
    "logged models": "logged_models",
    "registered models": "registered_models",
    "versions": "model_versions",
    "MLflow users": "users",
}
# how many names a message shows
SHOWN = 5


def table_counts(engine: Engine) -> dict[str, int]:
    """The rows of every table, all in one snapshot.

    Raises:
        Unavailable: the database failed.
    """
    with answering(engine), engine.connect() as connection:
        return {
            f"table {printable(name)}": _count(connection, quoted(engine, name))
            for name in tables(connection)
        }


def registry_counts(connection: sa.Connection) -> dict[str, int]:
    """What MLflow's database holds."""
    return {name: _count(connection, table) for name, table in REGISTRY.items()}


def _count(connection: sa.Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def model_folders(connection: sa.Connection) -> dict[str, str]:
    """The folder of each registered version's files, as MLflow addresses it."""
    query = (
        "SELECT v.name || ' version ' || v.version, coalesce(m.artifact_location, "
        "v.storage_location, v.source) FROM model_versions v LEFT JOIN logged_models m "
        "ON v.source = 'models:/' || m.model_id WHERE v.current_stage <> 'Deleted_Internal'"
    )
    return {str(name): str(place) for name, place in connection.exec_driver_sql(query)}


def without_files(folders: dict[str, str], keys: set[str]) -> list[str]:
    """The versions that the server keeps files of, and that have none."""
    proxied = "mlflow-artifacts:/"
    return sorted(
        printable(name)
        for name, place in folders.items()
        if place.startswith(proxied)
        and f"artifacts/{place.removeprefix(proxied).strip('/')}/MLmodel" not in keys
    )


def held(stores: Stores) -> list[str]:
    """What a stack holds beyond what a new one has; empty for a new one.

    Raises:
        Unavailable: a store is away or refuses.
    """
    with answering(stores.postgres, "postgres"), stores.postgres.connect() as connection:
        found = _registry_held(connection)
    with answering(stores.mysql), stores.mysql.connect() as connection:
        found += _tables_held(stores.mysql, connection)
    for bucket in stores.buckets:
        if many := objects.count(bucket, most=1000):
            found.append(f"{'at least ' if many == 1000 else ''}{many} objects in {bucket.name}")
    return found


def _registry_held(connection: sa.Connection) -> list[str]:
    found = []
    if runs := _count(connection, "runs"):
        found.append(f"{runs} runs")
    for what, query in (
        ("registered models", "SELECT name FROM registered_models"),
        ("experiments", "SELECT name FROM experiments WHERE name <> 'Default'"),
        ("MLflow users", f"SELECT username FROM users WHERE username NOT IN {ACCOUNTS}"),  # noqa: S608
    ):
        names = connection.exec_driver_sql(query).scalars().all()
        found += [f"{what} {shown(names)}"] if names else []
    return found


def _tables_held(engine: Engine, connection: sa.Connection) -> list[str]:
    there = tables(connection)
    others = [name for name in there if name not in OURS]
    filled = [name for name in there if name in OURS and _count(connection, quoted(engine, name))]
    return [f"tables {shown(names)}" for names in (others, filled) if names]


def shown(names: Iterable[str]) -> str:
    """The first few of them, in order."""
    listed = sorted(names)
    rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + rest
