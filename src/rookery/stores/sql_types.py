"""Column types that mean the same in every database; apart, because nothing else needs pandas."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

# MySQL drops fractions of a second unless told, and ends TEXT at 64 kB
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
# every text is equal to itself alone: in MySQL's own order `adelie` equals `Adelie`
EXACT: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_0900_bin"}
