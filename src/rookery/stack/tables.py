"""Makes the tables that the API needs and gives it its rights: `python -m rookery.stack.tables`.

Run as the owner of the database (`DATABASE_URL`), before the API starts; safe to run again.
"""

import sys
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.settings import get_settings
from rookery.stack.oneshot import finish
from rookery.stores import ledger, predictions
from rookery.stores.database import answering, connect, quoted
from rookery.stores.locks import create_missing

API_ACCOUNT = "rookery_api"
# the API adds answers and outcomes, changes none, and follows the promotions
RIGHTS = {"predictions": "SELECT, INSERT", "feedback": "SELECT, INSERT", "promotions": "SELECT"}


def set_up(address: str) -> Iterator[str]:
    """Makes what is missing and grants; says each step.

    Raises:
        Unavailable: the database is away, or refuses.
    """
    engine = connect(address)
    for metadata in (predictions.METADATA, ledger.METADATA):
        made = create_missing(engine, metadata)
        for name in metadata.tables:
            yield f"table {name}: {'made' if name in made else 'is there'}"
    if engine.dialect.name == "mysql":
        yield from _grant(engine)


def _grant(engine: Engine) -> Iterator[str]:
    """MySQL refuses a grant on a table that is not there yet."""
    for table, rights in RIGHTS.items():
        with answering(engine), engine.connect() as connection:
            grant = f"GRANT {rights} ON {quoted(engine, table)} TO '{API_ACCOUNT}'@'%'"
            connection.execute(sa.text(grant))
        yield f"{API_ACCOUNT} may {rights} on {table}"


def main() -> int:
    """Runs the one-shot; the exit code says how it went."""
    return finish(lambda: "\n".join(set_up(get_settings().tables_url)))


if __name__ == "__main__":
    sys.exit(main())
