"""New tables that are being filled beside the old ones, and rows that are added to those there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IdentifierError
from sqlalchemy.schema import CreateTable

from rookery.errors import InputError
from rookery.stores.column_types import Types
from rookery.stores.database import cause_of, error_code, quoted
from rookery.stores.literals import Literals, has_infinity, largest, literal_rows, statements
from rookery.stores.sql_types import EXACT, LONG

# fewer round trips than that save nothing, larger statements are slower to parse
STATEMENT_BYTES = 256 * 1024
# what a server says of a value, a name or a number of columns that it cannot hold
MYSQL_UNFIT = (1059, 1060, 1074, 1117, 1118, 1166, 1264, 1265, 1292, 1300, 1366, 1367, 1406)
POSTGRES_UNFIT = ("22001", "22003", "22007", "22008", "22021", "22P02", "42622", "42701", "54011")
UNFIT = frozenset([*map(str, MYSQL_UNFIT), *POSTGRES_UNFIT])


class UnfitValue(ValueError):
    """Found before the database was asked."""


class Replacement:
    """New tables that are being filled."""

    def __init__(
        self, engine: Engine, schemas: Mapping[str, Types], staged: Mapping[str, str]
    ) -> None:
        self._writer = engine.execution_options(writes=True)
        self._dialect = engine.dialect.name
        self._tables = {
            name: sa.Table(
                staged[name],
                sa.MetaData(),
                # a driver's names of parameters are not as free as those of columns
                *(sa.Column(n, kind, key=f"c{i}") for i, (n, kind) in enumerate(types.items())),
                **EXACT,
            )
            for name, types in schemas.items()
        }
        self._largest = np.inf

    def create(self) -> None:
        """Makes the new tables.

        Raises:
            InputError: the database cannot have such columns.
        """
        for name, table in self._tables.items():
            self._check_names(table)
            with self._fitting(name), self._writer.begin() as connection:
                connection.execute(CreateTable(table))
        with self._writer.connect() as connection:
            self._learn_largest(connection)

    def _learn_largest(self, connection: sa.Connection) -> None:
        if self._dialect == "mysql":
            asked = sa.text("SELECT @@max_allowed_packet")
            self._largest = connection.execute(asked).scalar_one()

    def _begin(self) -> AbstractContextManager[sa.Connection]:
        return self._writer.begin()

    def _check_names(self, table: sa.Table) -> None:
        """Postgres would cut a long name, MySQL write ? for a character, both in silence."""
        for name in (column.name for column in table.columns):
            cut = self._dialect == "postgresql" and len(name.encode()) > 63
            if cut or (self._dialect == "mysql" and max(name) > "\uffff"):
                raise InputError(
                    f"{self._dialect} cannot have a column of the name {name!r}",
                    field=name,
                    value=name,
                    allowed="up to 63 bytes" if cut else "characters up to U+FFFF",
                    next="rename the column, or keep the tables in another database",
                )

    def append(self, name: str, rows: pd.DataFrame) -> None:
        """Adds rows whose columns are those of the schema, in any order.

        Raises:
            InputError: a value is none that the database can hold.
        """
        if rows.empty:
            return
        with self._fitting(name):
            _check_years(rows)
            if self._dialect == "sqlite":
                self._append_values(self._tables[name], rows)
            else:
                self._widen(self._tables[name], rows)
                self._append_literals(self._tables[name], rows)

    def _append_values(self, table: sa.Table, rows: pd.DataFrame) -> None:
        columns = [self._driver_values(rows[column.name], column.type) for column in table.columns]
        insert = str(sa.insert(table).compile(dialect=self._writer.dialect))
        with self._begin() as connection:
            # straight to the driver: SQLAlchemy's handling of each row would cost the most
            connection.exec_driver_sql(insert, list(zip(*columns, strict=True)))

    def _append_literals(self, table: sa.Table, rows: pd.DataFrame) -> None:
        literals = literal_rows(
            [rows[column.name] for column in table.columns],
            [isinstance(column.type, sa.Text) for column in table.columns],
            escaping=self._dialect == "mysql",
        )
        if self._dialect == "postgresql" and _has_zero(literals):
            raise UnfitValue("a text with the character U+0000")
        if (size := largest(literals)) + 200 > self._largest:
            # the server would end the connection instead of saying so
            raise UnfitValue(f"a row of {size} bytes (max_allowed_packet is {self._largest})")
        with self._begin() as connection:
            straight = connection.execution_options(no_parameters=True)
            place = quoted(self._writer, table.name)
            for statement in statements(place, literals, STATEMENT_BYTES):
                straight.exec_driver_sql(statement)

    def _widen(self, table: sa.Table, rows: pd.DataFrame) -> None:
        """MySQL knows no infinity: a column that holds one becomes text, as from a CSV file."""
        for column in table.columns if self._dialect == "mysql" else ():
            values = rows[column.name]
            if isinstance(column.type, sa.Double) and has_infinity(values):
                with self._writer.begin() as connection:
                    place = quoted(self._writer, table.name)
                    name = quoted(self._writer, column.name)
                    connection.exec_driver_sql(f"ALTER TABLE {place} MODIFY {name} LONGTEXT")
                column.type = LONG

    @contextmanager
    def _fitting(self, name: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if error_code(error) not in UNFIT:
                raise
            raise self._unfit(name, cause_of(error)) from error
        except (IdentifierError, UnfitValue) as error:
            raise self._unfit(name, str(error)) from error

    def _unfit(self, name: str, said: str) -> InputError:
        return InputError(
            f"the database cannot hold what is to be written to {name}: {said}",
            field="columns",
            value=name,
            allowed=f"names and values that {self._dialect} can hold",
        )

    def _driver_values(self, column: pd.Series, kind: sa.types.TypeEngine[Any]) -> Sequence[Any]:
        """Python values as the driver takes them for a type, None for what is missing."""
        if pd.api.types.is_bool_dtype(column):
            column = column.astype("Int64" if column.hasnans else "int64")
        gaps = np.flatnonzero(column.isna().to_numpy())
        if pd.api.types.is_datetime64_any_dtype(column):
            naive = pd.to_datetime(column, utc=True).dt.tz_localize(None)
            moments = naive.to_numpy("datetime64[us]").astype(object)
            adapt = kind.dialect_impl(self._writer.dialect).bind_processor(self._writer.dialect)
            if (naive == naive.iloc[0]).all():  # ingested_at: one moment, adapted once
                return [adapt(moments[0]) if adapt else moments[0]] * len(column)
            return [adapt(moment) for moment in moments] if adapt else moments.tolist()
        if isinstance(kind, sa.Text) and pd.api.types.is_numeric_dtype(column):
            column = column.astype(object).astype("str")
        values: list[Any] = column.tolist()
        for gap in gaps:
            values[gap] = None
        return values


class Addition(Replacement):
    """Rows added to tables that are there, all in the transaction of one connection."""

    def __init__(self, connection: sa.Connection, schemas: Mapping[str, Types]) -> None:
        super().__init__(connection.engine, schemas, {name: name for name in schemas})
        self.connection = connection
        self._learn_largest(connection)

    def _begin(self) -> AbstractContextManager[sa.Connection]:
        return nullcontext(self.connection)

    def _widen(self, table: sa.Table, rows: pd.DataFrame) -> None:
        """A change of the table would end the transaction: an infinite number is refused."""


def _check_years(rows: pd.DataFrame) -> None:
    """Further than Python's own dates no driver reads what a database would keep."""
    for name in rows.columns:
        if pd.api.types.is_datetime64_any_dtype(rows[name]):
            strange = ~rows[name].dt.year.dropna().between(1, 9999)
            if strange.any():
                raise UnfitValue(f"{name}: a moment outside of the years 1 to 9999")


def _has_zero(literals: Literals) -> bool:
    return bool(pc.any(pc.match_substring(literals, "\x00")).as_py())
