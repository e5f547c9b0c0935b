"""The tables of a task: written in bulk, whole or not at all."""

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from os import getpid
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Engine
from sqlalchemy.schema import CreateTable, CreateView

from rookery.core.onehot import onehot_columns, target_codes
from rookery.core.sections import Column
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.stores.database import answering, connect
from rookery.stores.owners import ended

CHUNK = 50_000
Types = dict[str, sa.types.TypeEngine[Any]]

BESIDE = re.compile(r"(?P<name>.+)__o?(?P<host>[0-9a-f]{4})(?P<pid>[0-9a-f]{1,6})")
# MySQL drops fractions of a second unless told, and ends TEXT at 64 kB
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
CLEAN_TYPES: dict[str, Any] = {
    "float": sa.Double(),
    "integer": sa.BigInteger(),
    "boolean": sa.SmallInteger(),
    "text": LONG,
    "date": MOMENT,
}
REJECTED_TYPES: Types = {"row": LONG, "reasons": LONG, "batch_id": sa.String(64)}


def clean_types(task: Task) -> Types:
    return {name: _clean_type(column) for name, column in task.columns.items()}


def _clean_type(column: Column) -> sa.types.TypeEngine[Any]:
    if column.values:
        return sa.String(max(map(len, column.values)))
    found: sa.types.TypeEngine[Any] = CLEAN_TYPES[column.type]
    return found


def frame_types(frame: pd.DataFrame) -> Types:
    """Column types that keep what a source gave; whatever is not a number or a date is text."""
    return {str(name): _frame_type(frame[name].dtype) for name in frame.columns}


def _frame_type(dtype: Any) -> sa.types.TypeEngine[Any]:
    if pd.api.types.is_bool_dtype(dtype):
        return sa.SmallInteger()
    if pd.api.types.is_integer_dtype(dtype) and str(dtype).lower() != "uint64":
        return sa.BigInteger()
    if pd.api.types.is_float_dtype(dtype):
        return sa.Double()
    return MOMENT if pd.api.types.is_datetime64_any_dtype(dtype) else LONG


class Tables:
    """The tables' database."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = connect(url)

    def columns(self, name: str) -> list[str] | None:
        """Column names of a table, None if there is no such table."""
        with answering(self.engine):
            inspector = sa.inspect(self.engine)
            if not inspector.has_table(name):
                return None
            return [column["name"] for column in inspector.get_columns(name)]

    def count(self, name: str) -> int | None:
        """Rows of a table, None if there is no such table."""
        if self.columns(name) is None:
            return None
        with answering(self.engine), self.engine.connect() as connection:
            counted = sa.select(sa.func.count()).select_from(sa.table(name))
            return int(connection.execute(counted).scalar_one())

    def batches(self, name: str) -> dict[str, int]:
        """Rows per `batch_id` of a raw table."""
        if self.columns(name) is None:
            return {}
        batch = sa.column("batch_id", sa.String)
        query = sa.select(batch, sa.func.count()).select_from(sa.table(name)).group_by(batch)
        with answering(self.engine), self.engine.connect() as connection:
            return {str(batch_id): int(count) for batch_id, count in connection.execute(query)}

    def chunks(self, name: str, size: int = CHUNK) -> Iterator[pd.DataFrame]:
        """A table in parts, in the order it was written; the index counts through.

        Raises:
            InputError: there is no such table.
        """
        columns = self.columns(name)
        if columns is None:
            job = "ingest" if name.endswith("_raw") else "clean"
            raise InputError(
                f"there is no table {name} yet",
                field="table",
                value=name,
                next=f"rookery {job} {name.rsplit('_', 1)[0]}",
            )
        query: Any = sa.select(*map(sa.column, columns)).select_from(sa.table(name))
        start = 0
        with answering(self.engine), self.engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=size)
            for rows in streaming.execute(query).partitions(size):
                index = pd.RangeIndex(start, start + len(rows))
                yield pd.DataFrame.from_records(
                    [tuple(r) for r in rows], columns=columns, index=index
                )
                start += len(rows)

    def read(self, name: str) -> pd.DataFrame:
        """A whole table."""
        parts = list(self.chunks(name))
        return pd.concat(parts) if parts else pd.DataFrame(columns=self.columns(name) or [])

    @contextmanager
    def replacing(
        self, schemas: Mapping[str, Types], task: Task, *, outdated: Sequence[str] = ()
    ) -> Iterator["Replacement"]:
        """Fills new tables beside the old ones and swaps all of them at once at the end.

        `outdated` are tables made from what is replaced: they go in the same swap. An exception,
        or the death of the process, leaves everything as it was.
        """
        self._drop_orphans([*schemas, *outdated])
        staged = {name: _beside(name, "") for name in schemas}
        replacement = Replacement(self.engine, schemas, staged)
        try:
            with answering(self.engine):
                replacement.create()
                yield replacement
                self._swap(staged, outdated, task)
        finally:
            with answering(self.engine), self._writing() as connection:
                for name in staged.values():
                    self._drop(connection, name)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    def _quoted(self, name: str) -> str:
        return self.engine.dialect.identifier_preparer.quote_identifier(name)

    def _drop(self, connection: sa.Connection, name: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self._quoted(name)}")

    def _drop_orphans(self, names: list[str]) -> None:
        """Tables that a killed job of this host left unfinished, or replaced but not dropped."""
        with answering(self.engine), self._writing() as connection:
            for table in sa.inspect(connection).get_table_names():
                found = BESIDE.fullmatch(table)
                if found and found["name"] in names and found["host"] == _host():
                    pid = int(found["pid"], 16)
                    if pid == getpid() or ended(pid):
                        self._drop(connection, table)

    def _swap(self, staged: dict[str, str], outdated: Sequence[str], task: Task) -> None:
        view, clean = f"{task.name}_onehot", f"{task.name}_clean"
        with self._writing() as connection:
            if clean in staged or clean in outdated:
                connection.exec_driver_sql(f"DROP VIEW IF EXISTS {self._quoted(view)}")
            if self.engine.dialect.name == "mysql":
                self._swap_by_rename(connection, staged, outdated)
            else:
                for name in [*staged, *outdated]:
                    self._drop(connection, name)
                for name, staging in staged.items():
                    connection.exec_driver_sql(
                        f"ALTER TABLE {self._quoted(staging)} RENAME TO {self._quoted(name)}"
                    )
            if clean in staged:
                connection.execute(CreateView(_onehot_query(task), view))

    def _swap_by_rename(
        self, connection: sa.Connection, staged: dict[str, str], outdated: Sequence[str]
    ) -> None:
        """MySQL commits at every DDL statement, but one RENAME TABLE is atomic over all pairs."""
        inspector = sa.inspect(connection)
        old = [name for name in [*staged, *outdated] if inspector.has_table(name)]
        moves = [(name, _beside(name, "o")) for name in old]
        moves += [(staging, name) for name, staging in staged.items()]
        pairs = [f"{self._quoted(source)} TO {self._quoted(target)}" for source, target in moves]
        connection.exec_driver_sql(f"RENAME TABLE {', '.join(pairs)}")
        for name in old:
            self._drop(connection, _beside(name, "o"))


class Replacement:
    """New tables that are being filled."""

    def __init__(
        self, engine: Engine, schemas: Mapping[str, Types], staged: dict[str, str]
    ) -> None:
        self._writer = engine.execution_options(writes=True)
        self._tables = {
            name: sa.Table(
                staged[name],
                sa.MetaData(),
                # a driver's names of parameters are not as free as those of columns
                *(sa.Column(n, kind, key=f"c{i}") for i, (n, kind) in enumerate(types.items())),
                mysql_charset="utf8mb4",
            )
            for name, types in schemas.items()
        }
        self._inserts = {
            name: str(sa.insert(table).compile(dialect=engine.dialect))
            for name, table in self._tables.items()
        }

    def create(self) -> None:
        with self._writer.begin() as connection:
            for table in self._tables.values():
                table.drop(connection, checkfirst=True)
                connection.execute(CreateTable(table))

    def append(self, name: str, rows: pd.DataFrame) -> None:
        """Adds rows whose columns are those of the schema, in any order."""
        if rows.empty:
            return
        table = self._tables[name]
        columns = [self._driver_values(rows[column.name], column.type) for column in table.columns]
        values: Any = list(zip(*columns, strict=True))
        if not self._writer.dialect.positional:
            names = [column.key for column in table.columns]
            values = [dict(zip(names, row, strict=True)) for row in values]
        with self._writer.begin() as connection:
            # straight to the driver: SQLAlchemy's handling of each row would cost the most
            connection.exec_driver_sql(self._inserts[name], values)

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
        values: list[Any] = column.tolist()
        for gap in gaps:
            values[gap] = None
        return values


def _onehot_query(task: Task) -> sa.Select[Any]:
    """Clean rows with a number per class and a column per category, as `core.onehot` computes."""
    codes = target_codes(task)
    target: sa.ColumnClause[Any] = sa.column(task.target)
    # a boolean is stored as 0 or 1
    cases = [(target == (int(k) if isinstance(k, bool) else k), code) for k, code in codes.items()]
    shown: list[Any] = [sa.case(*cases).label(task.target) if cases else target]
    shown += [
        sa.column(name)
        for name, column in task.columns.items()
        if not column.values and name != task.target
    ]
    for name, source, value in onehot_columns(task):
        shown.append(sa.case((sa.column(source) == value, 1), else_=0).label(name))
    return sa.select(*shown).select_from(sa.table(f"{task.name}_clean"))


def _host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:4]


def _beside(name: str, mark: str) -> str:
    """The name of a table of this process beside another; at most 63 characters, for Postgres."""
    return f"{name}__{mark}{_host()}{getpid():x}"
