"""The tables of a task: written in bulk, whole or not at all."""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateView

from rookery.core.task import Task
from rookery.errors import InputError, Unavailable
from rookery.stores.column_types import Types
from rookery.stores.database import answering, connect, is_missing, quoted, unless_missing
from rookery.stores.locks import alone, take
from rookery.stores.onehot_view import onehot_query
from rookery.stores.replacement import Addition, Replacement

CHUNK = 50_000
# how long a job waits for another one that writes the tables of the same task
WAIT_SECONDS = 600.0
# Tables that are not complete yet, and those that have just been replaced. Each job has names of
# its own: one whose connection, and so whose lock, was lost must not add to the next one's tables.
NEW, OLD = "__new", "__old"
BESIDE = re.compile(r"_(raw|clean|rejected|onehot)__(new[0-9a-f]{6}|old)")


class Tables:
    """The tables' database."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = connect(url)

    def columns(self, name: str) -> list[str] | None:
        """Column names of a table, None if there is no such table."""
        # not the inspector's: it doubles a percent sign in the column of a view
        none = sa.select(sa.text("*")).select_from(sa.table(name)).limit(0)
        return unless_missing(self.engine, none, lambda result: list(result.keys()))

    def count(self, name: str) -> int | None:
        """Rows of a table, None if there is no such table."""
        counted = sa.select(sa.func.count()).select_from(sa.table(name))
        return unless_missing(self.engine, counted, lambda result: int(result.scalar_one()))

    def batches(self, name: str) -> dict[str, int]:
        """Rows per `batch_id` of a raw table."""
        return self.tallies(name, "batch_id")

    def tallies(self, name: str, column: str) -> dict[str, int]:
        """Rows per value of a column of text; none where there is no such table."""
        value = sa.column(column, sa.String)
        query = sa.select(value, sa.func.count()).select_from(sa.table(name)).group_by(value)
        found = unless_missing(self.engine, query, lambda result: result.all())
        return {str(said): int(count) for said, count in found or ()}

    def chunks(
        self,
        name: str,
        size: int = CHUNK,
        *,
        columns: Sequence[str] = (),
        where: sa.ColumnElement[bool] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """A table in parts, in the order it was written; the index counts through.

        Raises:
            InputError: there is no such table.
        """
        wanted: list[Any] = [*map(sa.column, columns)] or [sa.text("*")]
        query: Any = sa.select(*wanted).select_from(sa.table(name))
        query = query if where is None else query.where(where)
        start = 0
        with answering(self.engine), self.engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=size)
            result = _stream(streaming, query, name)
            shown = list(result.keys())
            for rows in result.partitions(size):
                index = pd.RangeIndex(start, start + len(rows))
                yield pd.DataFrame.from_records(
                    [tuple(r) for r in rows], columns=shown, index=index
                )
                start += len(rows)

    def read(
        self,
        name: str,
        *,
        columns: Sequence[str] = (),
        where: sa.ColumnElement[bool] | None = None,
    ) -> pd.DataFrame:
        """A whole table, or of it these columns, and the rows for which `where` holds."""
        parts = list(self.chunks(name, columns=columns, where=where))
        if parts:
            return pd.concat(parts)
        return pd.DataFrame(columns=list(columns) or self.columns(name) or [])

    @contextmanager
    def appending(self, schemas: Mapping[str, Types], task: Task) -> Iterator[Addition]:
        """Adds rows to tables that are there, in one transaction: all of them, or none.

        Raises:
            InputError: the database cannot hold the rows.
            Unavailable: it failed, or another job has been writing for too long.
        """
        with alone(self.engine, task.name, WAIT_SECONDS), answering(self.engine):
            self._drop_left(task)
            with self._writing() as connection:
                yield Addition(connection, schemas)

    @contextmanager
    def replacing(
        self, schemas: Mapping[str, Types], task: Task, *, outdated: Sequence[str] = ()
    ) -> Iterator[Replacement]:
        """Fills new tables beside the old ones and swaps all of them at once at the end.

        `outdated` are tables made from what is replaced: they go in the same swap. An exception,
        or the death of the process, leaves everything as it was.

        Raises:
            InputError: the database cannot hold the rows.
            Unavailable: it failed, or another job has been writing for too long.
        """
        mark = NEW + secrets.token_hex(3)
        staged = {name: name + mark for name in schemas}
        replacement = Replacement(self.engine, schemas, staged)
        try:
            with alone(self.engine, task.name, WAIT_SECONDS), answering(self.engine):
                self._drop_left(task)
                replacement.create()
                yield replacement
                self._swap(staged, outdated, task)
                self._drop_left(task)
        except BaseException:
            with suppress(Unavailable):  # the database is away: left for the next job
                self.drop_unfinished(task)
            raise

    def drop_unfinished(self, task: Task) -> None:
        """Drops what dead jobs left of new tables, unless another job is at work.

        Raises:
            Unavailable: the database failed.
        """
        release = take(self.engine, task.name)
        if release is None:
            return
        try:
            with answering(self.engine):
                self._drop_left(task)
        finally:
            release()

    def _drop_left(self, task: Task) -> None:
        """What is unfinished, or replaced already; whoever is alone may drop it."""

        def left(names: list[str]) -> list[str]:
            starting = (name for name in names if name.startswith(task.name))
            return [name for name in starting if BESIDE.fullmatch(name, len(task.name))]

        with self._writing() as connection:
            inspector = sa.inspect(connection)
            self._drop(connection, "VIEW", left(inspector.get_view_names()))
            self._drop(connection, "TABLE", left(inspector.get_table_names()))

    def _swap(self, staged: Mapping[str, str], outdated: Sequence[str], task: Task) -> None:
        view, clean = f"{task.name}_onehot", f"{task.name}_clean"
        gone = [view] if clean in outdated else []
        mysql = self.engine.dialect.name == "mysql"
        with self._writing() as connection:
            if mysql:
                self._rename(connection, staged, [*staged, *outdated, *gone])
            else:
                self._drop(connection, "VIEW", [view] if clean in staged else gone)
                self._drop(connection, "TABLE", [*staged, *outdated])
                for name, new in staged.items():
                    old, wanted = quoted(self.engine, new), quoted(self.engine, name)
                    connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {wanted}")
            if clean in staged:
                connection.execute(CreateView(onehot_query(task), view, or_replace=mysql))

    def _rename(
        self, connection: sa.Connection, staged: Mapping[str, str], replaced: Sequence[str]
    ) -> None:
        """MySQL commits at every DDL statement, but one RENAME TABLE is atomic over all pairs."""
        inspector = sa.inspect(connection)
        there = {*inspector.get_table_names(), *inspector.get_view_names()}
        moves = [(name, name + OLD) for name in replaced if name in there]
        moves += [(new, name) for name, new in staged.items()]
        listed = ", ".join(
            f"{quoted(self.engine, old)} TO {quoted(self.engine, new)}" for old, new in moves
        )
        connection.exec_driver_sql(f"RENAME TABLE {listed}")

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    def _drop(self, connection: sa.Connection, kind: str, names: Iterable[str]) -> None:
        for name in names:
            connection.exec_driver_sql(f"DROP {kind} IF EXISTS {quoted(self.engine, name)}")


def _stream(connection: sa.Connection, query: sa.Select[Any], name: str) -> sa.CursorResult[Any]:
    try:
        return connection.execute(query)
    except DBAPIError as error:
        if not is_missing(error):
            raise
        job = "ingest" if name.endswith("_raw") else "clean"
        raise InputError(
            f"there is no table {name} yet",
            field="table",
            value=name,
            next=f"rookery {job} {name.rsplit('_', 1)[0]}",
        ) from error
