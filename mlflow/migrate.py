"""Brings MLflow's database and its users up to date; safe to repeat."""

import os
import sys
from typing import TYPE_CHECKING

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
    from mlflow.server.auth.db.utils import _get_alembic_dir
    from mlflow.store.db.utils import _get_package_dir
    from mlflow.version import VERSION

    runs = f"{_get_package_dir()}/store/db_migrations"
    for table, folder in (
        ("alembic_version", runs),
        ("alembic_version_auth", str(_get_alembic_dir())),
    ):
        if revision := unknown_revision(engine, table, folder):
            raise SystemExit(
                f"The database mlflow_db is at revision {revision} ({table}), which MLflow "
                f"{VERSION} does not know: a newer MLflow has migrated it, and there is no way "
                "back. Use the newer image, or restore a backup taken before it: "
                "make restore FROM=backups/…"
            )


def upgrade(uri: str) -> None:
    """What `mlflow db upgrade` and `python -m mlflow.server.auth db upgrade` do."""
    from mlflow.server.auth.db.utils import migrate
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine_with_retry(uri)
    refuse_newer(engine)
    utils._safe_initialize_tables(engine)
    utils._upgrade_db(engine)
    migrate(engine, "head")
    engine.dispose()


def ensure_user(store: "SqlAlchemyStore", name: str, password: str, is_admin: bool) -> str:
    """Makes the user, or gives an existing one the password and the rights it should have."""
    if not store.has_user(name):
        store.create_user(name, password, is_admin)
        return "created"
    stale = not store.authenticate_user(name, password)
    store.update_user(name, password=password if stale else None, is_admin=is_admin)
    return "given the password of its key file" if stale else "unchanged"


def ensure_users(uri: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(uri)
    for name, file, is_admin in (
        ("admin", "admin_password", True),
        ("rookery_api", "api_password", False),
    ):
        try:
            done = ensure_user(store, name, database.key(file), is_admin)
        except MlflowException as error:
            raise SystemExit(
                f"MLflow refuses the password in {file} for {name}: {error.message}"
            ) from None
        sys.stdout.write(f"MLflow user {name}: {done}\n")


def main() -> None:
    uri = database.uri()
    database.use_password()
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(database.CONFIG)
    database.connect(uri)
    upgrade(uri)
    ensure_users(uri)


if __name__ == "__main__":
    main()
