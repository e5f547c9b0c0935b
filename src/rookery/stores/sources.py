"""Where raw rows come from: a package, a CSV or Parquet file, a SQL query."""

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from rookery.core.holdout import digest
from rookery.core.sections import Source, Sql
from rookery.errors import InputError
from rookery.stores.database import answering, connect, quoted
from rookery.stores.tables import CHUNK

SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3": "a SQLite database",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
}

NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


@dataclass(frozen=True)
class Batch:
    """Rows that arrived together; its id is a digest of the content, so a repeat is known."""

    id: str
    origin: str
    columns: list[str]
    chunks: Callable[[], Iterator[pd.DataFrame]]


def open_source(source: Source, folder: Path, sql_url: str | None, cache: Path) -> Batch:
    """The batch that a task's source holds now; relative paths start at `folder`.

    Raises:
        InputError: the source cannot be found or read as what it says it is.
    """
    if source.package:
        return _package(source.package)
    if source.csv:
        return _csv(_existing(folder / source.csv), source)
    if source.parquet:
        return _parquet(_existing(folder / source.parquet))
    if source.sql is None:
        raise AssertionError("a source has exactly one kind")
    return _sql(source.sql, sql_url, cache)


def source_from(text: str, declared: Source) -> Source:
    """The source that `--from` names: a file by its ending, `package:NAME`, or a database address.

    A database address ends in `#table`, unless the task has a query of its own.

    Raises:
        InputError: it is none of these.
    """
    if text.startswith("package:"):
        return _checked(package=text.removeprefix("package:"))
    if "://" in text:
        url, _, table = text.partition("#")
        if not table and not declared.sql:
            raise InputError(
                f"--from {url.split('@')[-1]!r} names a database but no table",
                field="--from",
                value=url.split("@")[-1],
                allowed="ADDRESS#table",
            )
        query = (
            f"SELECT * FROM {quoted(url, table)}" if table else declared.sql.query  # type: ignore[union-attr]  # noqa: S608
        )
        return _checked(sql={"query": query, "url": url})
    kind = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}
    ending = Path(text).suffix.lower()
    if ending not in kind:
        raise InputError(
            f"--from {text!r}: what this is cannot be told from its name",
            field="--from",
            value=text,
            allowed=".csv, .tsv, .txt, .parquet, .pq, package:NAME, ADDRESS#table",
        )
    separator = "\t" if ending == ".tsv" else declared.separator
    return _checked(
        **{kind[ending]: str(Path(text).resolve())}, separator=separator, encoding=declared.encoding
    )


def _checked(**given: Any) -> Source:
    try:
        return Source(**given)
    except ValueError as error:
        value = str(next(iter(given.values())))
        raise InputError(
            f"--from {value!r} is not a source",
            field="--from",
            value=value,
            allowed="package:palmerpenguins, a file, ADDRESS#table",
        ) from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(
            f"there is no file {path}",
            field="source",
            value=str(path),
            allowed="an existing file",
            next="mend `source:` in the task, or: rookery ingest --from FILE",
        )
    if path.stat().st_size == 0:
        raise InputError(
            f"{path} is empty",
            field="source",
            value=str(path),
            allowed="a file with a header and at least one row",
        )
    return path


def _package(name: str) -> Batch:
    from palmerpenguins import load_penguins

    rows = load_penguins()
    return Batch(digest(rows), f"package {name}", list(rows.columns), lambda: iter([rows]))


def _csv(path: Path, source: Source) -> Batch:
    content = _text_digest(path, source.encoding)
    # every cell as text, as the file has it: what is a number is decided where rows are cleaned
    options: dict[str, Any] = {
        "dtype": str,
        "keep_default_na": False,
        "index_col": False,
        "sep": source.separator,
        "encoding": "utf-8-sig"
        if source.encoding.lower() in ("utf-8", "utf8")
        else (source.encoding),
    }
    with _reading(path, source.encoding):
        # as a row, because pandas renames a column that the header has twice
        header = pd.read_csv(path, nrows=1, header=None, **options)

    def chunks() -> Iterator[pd.DataFrame]:
        with _reading(path, source.encoding), warnings.catch_warnings():
            # pandas only warns when it drops what a row has too much
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(path, chunksize=CHUNK, **options) as parts:
                yield from parts

    # the same bytes read in another way are other rows
    read_as = hashlib.sha256(f"{content}{source.encoding.lower()}{source.separator}".encode())
    return Batch(read_as.hexdigest()[:16], path.name, header.iloc[0].tolist(), chunks)


@contextmanager
def _reading(path: Path, encoding: str) -> Iterator[None]:
    """Errors of the CSV parser as one message that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not {encoding} text: byte {error.object[error.start]:#04x}",
            field="source.encoding",
            value=encoding,
            allowed="the encoding of the file",
            next="set `source: encoding:` in the task, for example latin-1",
        ) from error
    except LookupError as error:
        raise InputError(
            f"there is no encoding {encoding!r}",
            field="source.encoding",
            value=encoding,
            allowed="utf-8, latin-1, cp1252 …",
        ) from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise InputError(
            f"{path} is not a readable CSV file: {str(error).strip()}",
            field="source.csv",
            value=str(path),
            allowed="a header, then rows of as many cells",
        ) from error


def _text_digest(path: Path, encoding: str) -> str:
    """The digest of a file that may hold text; a zero byte anywhere says that it does not."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            _refuse_binary(path, block, encoding, first=file.tell() == len(block))
            state.update(block)
    return state.hexdigest()


def _refuse_binary(path: Path, block: bytes, encoding: str, *, first: bool) -> None:
    marks = (name for mark, name in SIGNATURES.items() if first and block.startswith(mark))
    found = next(marks, None)
    if found is None and b"\x00" in block and not encoding.lower().startswith(("utf-16", "utf-32")):
        found = "a binary file"
    if found:
        raise InputError(
            f"{path} is {found}, not CSV text",
            field="source.csv",
            value=str(path),
            allowed="a text file with a header and separated values",
        )


def _parquet(path: Path) -> Batch:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
            field="source.parquet",
            value=str(path),
            allowed="a Parquet file",
        ) from error
    for field in schema:
        if not _fits_a_table(field.type):
            raise InputError(
                f"{path} has a column that no table can hold: {field.name}: {field.type}",
                field=field.name,
                value=str(field.type),
                allowed="numbers, text, booleans, dates and times",
            )
    return Batch(_file_digest(path), path.name, schema.names, lambda: _parquet_chunks([path]))


def _fits_a_table(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    unfit = (
        pa.types.is_nested,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_duration,
        pa.types.is_interval,
    )
    return not any(is_one(kind) for is_one in unfit)


def _parquet_chunks(paths: list[Path]) -> Iterator[pd.DataFrame]:
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for part in file.iter_batches(batch_size=CHUNK):
                    # integers with gaps stay integers
                    yield _storable(part.to_pandas(types_mapper=NULLABLE.get, date_as_object=False))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path} cannot be read to its end: {str(error).splitlines()[0]}",
                field="source.parquet",
                value=str(path),
                allowed="a whole Parquet file",
            ) from error


def _sql(sql: Sql, default_url: str | None, cache: Path) -> Batch:
    """The result is kept in files first, so that what is loaded is what was digested."""
    url = sql.url or default_url
    if url is None:
        raise InputError(
            "the task reads from a database, but no address is given",
            field="SOURCE_DATABASE_URL",
            allowed="an address, or `sql: url:`",
        )
    engine = connect(url, "SOURCE_DATABASE_URL", reading=True)
    cache.mkdir(parents=True, exist_ok=True)
    spool = tempfile.TemporaryDirectory(dir=cache, prefix="query-")
    paths, state = list[Path](), hashlib.sha256()
    with answering(engine, "SOURCE_DATABASE_URL"), engine.connect() as connection:
        result = _rows_of(connection, sql.query)
        columns = list(result.keys())
        for rows in result.partitions(CHUNK):
            frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=columns)
            state.update(digest(frame).encode())
            paths.append(Path(spool.name) / f"{len(paths)}.parquet")
            _storable(frame).to_parquet(paths[-1])

    def chunks() -> Iterator[pd.DataFrame]:
        with spool:
            yield from _parquet_chunks(paths)

    place = engine.url.render_as_string(hide_password=True)
    return Batch(state.hexdigest()[:16], f"query on {place}", columns, chunks)


def _rows_of(connection: sa.Connection, query: str) -> sa.CursorResult[Any]:
    """The result of a query as it is written: a colon or a percent sign in it means nothing."""
    straight = connection.execution_options(stream_results=True, no_parameters=True)
    try:
        result = straight.exec_driver_sql(query)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise InputError(
            f"the query failed: {str(error.orig).splitlines()[0]}",
            field="source.sql.query",
            value=query[:200],
            allowed="a query that the database understands",
        ) from error
    names = list(result.keys()) if result.returns_rows else []
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"the query gives {'a column name twice' if names else 'no rows'}",
            field="source.sql.query",
            value=query[:200],
            allowed="one SELECT whose columns have different names",
        )
    return result


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed values (decimals, bytes, times) as text, which every store can hold."""
    mixed = [name for name in frame.columns if frame[name].dtype == object]
    return frame.assign(
        **{
            name: frame[name].where(frame[name].isna(), frame[name].astype(str)).astype("str")
            for name in mixed
        }
    )


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
