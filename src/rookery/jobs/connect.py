"""The tables, for one's own SQL."""

from sqlalchemy.engine import Engine

from rookery.settings import get_settings
from rookery.stores.database import connect as open_database


def connect() -> Engine:
    """A SQLAlchemy engine on the tables: `pd.read_sql("SELECT …", rk.connect())`.

    Raises:
        InputError: `DATABASE_URL` is not an address, or its driver is not installed.
    """
    return open_database(get_settings().tables_url)
