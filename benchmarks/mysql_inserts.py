"""What our ingest into MySQL is compared with, each on a table like ours: one `execute` a row with
one commit, as people write it, and `LOAD DATA` of a finished file, which is the limit."""

import argparse
import os
from pathlib import Path
from typing import Any

import MySQLdb
import pandas as pd
from measuring import tell, timed
from sqlalchemy.engine import make_url


def connection() -> Any:
    """To the database of `DATABASE_URL`, with files of the client allowed."""
    address = make_url(os.environ["DATABASE_URL"])
    return MySQLdb.connect(
        host=address.host,
        port=address.port,
        user=address.username,
        password=address.password,
        database=address.database,
        charset="utf8mb4",
        local_infile=1,
    )


def empty_table(database: Any) -> None:
    """Like the one that our ingest has made, with the same columns and no rows."""
    cursor = database.cursor()
    cursor.execute("DROP TABLE IF EXISTS compared")
    cursor.execute("CREATE TABLE compared LIKE penguins_raw")


def frame(source: Path) -> pd.DataFrame:
    return pd.read_parquet(source).assign(batch_id="0123456789abcdef", ingested_at="2026-01-01")


def write_file(source: Path, file: Path) -> None:
    """As `LOAD DATA` reads it; not measured."""
    frame(source).to_csv(file, sep="\t", header=False, index=False, na_rep="\\N")


def load(database: Any, file: Path) -> int:
    cursor = database.cursor()
    path = str(file)
    rows = cursor.execute(
        "LOAD DATA LOCAL INFILE %s INTO TABLE compared CHARACTER SET utf8mb4", (path,)
    )
    database.commit()
    return int(rows)


def insert_each(database: Any, rows: list[tuple[Any, ...]]) -> int:
    cursor = database.cursor()
    for row in rows:
        cursor.execute("INSERT INTO compared VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)", row)
    database.commit()
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["load", "each"])
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=50_000, help="each: only the first ones")
    given = parser.parse_args()
    database = connection()
    empty_table(database)
    if given.how == "load":
        file = given.source.with_suffix(".tsv")
        if not file.exists():
            write_file(given.source, file)
        done = timed(lambda: load(database, file))
    else:
        few = frame(given.source).head(given.rows)
        few["body_mass_g"] = few["body_mass_g"].astype(str)  # it holds infinities, as text in ours
        rows = list(few.astype(object).where(few.notna(), None).itertuples(index=False, name=None))
        done = timed(lambda: insert_each(database, rows))
    tell(done, rows=done.result)


if __name__ == "__main__":
    main()
