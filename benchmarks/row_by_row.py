"""The insert that people write: SQLAlchemy, one `execute` a row, all in one transaction."""

import argparse
import time
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from measuring import tell

TABLE = sa.Table(
    "penguins_raw",
    sa.MetaData(),
    sa.Column("species", sa.Text),
    sa.Column("island", sa.Text),
    sa.Column("bill_length_mm", sa.Double),
    sa.Column("bill_depth_mm", sa.Double),
    sa.Column("flipper_length_mm", sa.Double),
    sa.Column("body_mass_g", sa.Double),
    sa.Column("sex", sa.Text),
    sa.Column("year", sa.BigInteger),
)


def insert_each(source: Path, engine: sa.Engine) -> int:
    """Rows inserted; the file is read as a whole, missing values become NULL."""
    rows = pd.read_parquet(source).astype(object)
    rows = rows.where(rows.notna(), None)
    insert = sa.insert(TABLE)
    with engine.begin() as connection:
        TABLE.create(connection)
        for row in rows.to_dict("records"):
            connection.execute(insert, row)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path, help="a SQLite file, which is made")
    given = parser.parse_args()
    engine = sa.create_engine(f"sqlite:///{given.database}")
    started = time.perf_counter()
    count = insert_each(given.source, engine)
    tell(time.perf_counter() - started, rows=count)


if __name__ == "__main__":
    main()
