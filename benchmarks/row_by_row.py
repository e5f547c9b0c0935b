"""The insert that people write: SQLAlchemy, one `execute` a row, all in one transaction.

`connection.execute(insert(table), row)` is the form of SQLAlchemy's tutorial; `--reuse` builds the
statement once, which saves it a third.
"""

import argparse
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from measuring import tell, timed

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


def insert_each(source: Path, engine: sa.Engine, *, reuse: bool) -> int:
    """Rows inserted; the file is read as a whole, and the driver stores NaN as NULL."""
    rows = pd.read_parquet(source).to_dict("records")
    once = sa.insert(TABLE)
    with engine.begin() as connection:
        TABLE.create(connection)
        for row in rows:
            connection.execute(once if reuse else sa.insert(TABLE), row)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path, help="a SQLite file, which is made")
    parser.add_argument("--reuse", action="store_true", help="build the statement once")
    given = parser.parse_args()
    engine = sa.create_engine(f"sqlite:///{given.database}")
    done = timed(lambda: insert_each(given.source, engine, reuse=given.reuse))
    tell(done, rows=done.result)


if __name__ == "__main__":
    main()
