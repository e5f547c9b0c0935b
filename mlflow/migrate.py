"""Brings MLflow's database, its users and the container of Azure up to date; safe to repeat."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import artifacts
import database

if TYPE_CHECKING:
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.engine import Engine


def unknown_revision(engine: "Engine", table: str, folder: str) -> str | None:
    """The revision of the database, where it is one that this MLflow has never heard of."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": table})
        revision = context.get_current_revision()
    known = {script.revision for script in ScriptDirectory(folder).walk_revisions()}
    return revision if revision and revision not in known else None


def refuse_newer(engine: "Engine") -> None:
    """Keeps an older MLflow away from what a newer one has migrated.

    Raises:
        SystemExit: the revision of the database is unknown here.
    """
    from mlflow import version

    package = Path(version.__file__).parent
    for table, folder in (
        ("alembic_version", package / "store" / "db_migrations"),
        ("alembic_version_auth", package / "server" / "auth" / "db" / "migrations"),
    ):
        if revision := unknown_revision(engine, table, str(folder)):
            raise SystemExit(
                f"The database mlflow_db is at revision {revision} ({table}), which MLflow "
                f"{version.VERSION} does not know: a newer MLflow has migrated it, and there is no "
                "way back. Use the newer image, or restore a backup taken before it: "
                "make restore FROM=backups/…"
            )


def upgrade(uri: str) -> None:
    """`mlflow db upgrade URI` and `python -m mlflow.server.auth db upgrade --url URI`.

    In this process: two more would each import MLflow for seconds.

    Raises:
        SystemExit: a newer MLflow has migrated the database.
    """
    import sqlalchemy
    from mlflow import db
    from mlflow.server.auth import cli

    engine = sqlalchemy.create_engine(uri)
    refuse_newer(engine)
    engine.dispose()
    db.commands.main(["upgrade", uri], standalone_mode=False)
    cli.commands.main(["db", "upgrade", "--url", uri], standalone_mode=False)


def ensure_user(store: "SqlAlchemyStore", name: str, password: str, is_admin: bool) -> str:
    """Makes the user, or gives an existing one the password and the rights it should have."""
    if not store.has_user(name):
        store.create_user(name, password, is_admin)
        return "created"
    stale = not store.authenticate_user(name, password)
    store.update_user(name, password=password if stale else None, is_admin=is_admin)
    return "given the password of its key file" if stale else "unchanged"


def ensure_users(uri: str) -> None:
    """MLflow's two users, with the passwords of their key files.

    Raises:
        SystemExit: a key file cannot be read, or MLflow refuses its password.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(uri)
    for name, file, is_admin in (
        ("admin", "admin_password", True),
        (database.API_USER, "api_password", False),
    ):
        try:
            done = ensure_user(store, name, database.key(file), is_admin)
        except MlflowException as error:
            raise SystemExit(
                f"MLflow refuses the password in {file} for {name}: {error.message}"
            ) from None
        sys.stdout.write(f"MLflow user {name}: {done}\n")


def main() -> None:
    azure = artifacts.azure()
    if azure:
        sys.stdout.write(f"{artifacts.make_container(azure)}\n")
    uri = database.uri()
    database.use_password()
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(database.CONFIG)
    database.connect(uri)
    upgrade(uri)
    ensure_users(uri)


if __name__ == "__main__":
    main()
