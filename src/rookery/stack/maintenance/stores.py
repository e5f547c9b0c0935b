"""Where backup and restore find the stores: the services' names, and the keys that are mounted."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from rookery.errors import Unavailable
from rookery.stores.database import connect

# bucket: the reader whose keys open it, and the start of their names
BUCKETS = {"mlflows3": ("keys-mlflow", "mlflow_s3"), "api-artifacts": ("keys", "jobs_s3")}


@dataclass(frozen=True)
class Bucket:
    """One bucket, and the user that may use this one alone."""

    name: str
    access_key: str
    secret_key: str
    endpoint: str = "http://minio:9000"


@dataclass(frozen=True)
class Stores:
    """The tables, MLflow's database and the buckets."""

    mysql: Engine
    postgres: Engine
    buckets: tuple[Bucket, ...]


def open_stores(run: Path) -> Stores:
    """The stores of the stack, by the keys in folders below `run`; connects to none yet.

    Raises:
        Unavailable: a key is not mounted.
    """
    postgres = URL.create(
        "postgresql+psycopg2",
        "mlflow_user",
        _key(run / "keys-mlflow" / "mlflow_user_password"),
        "postgres",
        5432,
        "mlflow_db",
    )
    buckets = (
        Bucket(
            name,
            _key(run / folder / f"{user}_access_key"),
            _key(run / folder / f"{user}_secret_key"),
        )
        for name, (folder, user) in BUCKETS.items()
    )
    return Stores(
        connect(_key(run / "keys" / "database_url")),
        connect(postgres.render_as_string(hide_password=False)),
        tuple(buckets),
    )


def _key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise Unavailable(
            f"the key {path} cannot be read: {error.strerror}",
            value=str(path),
            next="docker compose up --detach",
        ) from error


def tables(connection: sa.Connection) -> list[str]:
    """The names of the tables, without views."""
    return sorted(sa.inspect(connection).get_table_names())
