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

from rookery.core.holdout import digest
from rookery.core.task import Source, Sql
from rookery.errors import InputError
from rookery.stores.database import answering, connect
from rookery.stores.tables import CHUNK

SIGNATURES = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a zip archive or a spreadsheet",
              b"\x1f\x8b": "a gzip file", b"SQLite format 3": "a SQLite database",
              b"\x89PNG": "a picture", b"%PDF": "a PDF"}


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
                f"--from {url.split('@')[-1]!r} names a database but no table", field="--from",
                value=url.split("@")[-1], allowed="ADDRESS#table",
            )
        name = '"' + table.replace('"', '""') + '"' if table else ""
        query = f"SELECT * FROM {name}" if table else declared.sql.query  # type: ignore[union-attr]  # noqa: S608
        return _checked(sql={"query": query, "url": url})
    kind = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}
    ending = Path(text).suffix.lower()
    if ending not in kind:
        raise InputError(
            f"--from {text!r}: what this is cannot be told from its name", field="--from",
            value=text, allowed=".csv, .tsv, .txt, .parquet, .pq, package:NAME, ADDRESS#table",
        )
    separator = "\t" if ending == ".tsv" else declared.separator
    return _checked(**{kind[ending]: str(Path(text).resolve())}, separator=separator,
                    encoding=declared.encoding)


def _checked(**given: Any) -> Source:
    try:
        return Source(**given)
    except ValueError as error:
        value = str(next(iter(given.values())))
        raise InputError(f"--from {value!r} is not a source", field="--from", value=value,
                         allowed="package:palmerpenguins, a file, ADDRESS#table") from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"there is no file {path}", field="source", value=str(path),
                         allowed="an existing file",
                         next="mend `source:` in the task, or: rookery ingest --from FILE")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty", field="source", value=str(path),
                         allowed="a file with a header and at least one row")
    return path


def _package(name: str) -> Batch:
    from palmerpenguins import load_penguins

    rows = load_penguins()
    return Batch(digest(rows), f"package {name}", list(rows.columns), lambda: iter([rows]))


def _csv(path: Path, source: Source) -> Batch:
    _refuse_binary(path, _head(path), source.encoding)
    # every cell as text, as the file has it: what is a number is decided where rows are cleaned
    options: dict[str, Any] = {
        "dtype": str, "keep_default_na": False, "index_col": False, "sep": source.separator,
        "encoding": "utf-8-sig" if source.encoding.lower() in ("utf-8", "utf8") else (
            source.encoding
        ),
    }
    with _reading(path, source.encoding):
        columns = list(pd.read_csv(path, nrows=0, **options).columns)

    def chunks() -> Iterator[pd.DataFrame]:
        with _reading(path, source.encoding), warnings.catch_warnings():
            # pandas only warns when it drops what a row has too much
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(path, chunksize=CHUNK, **options) as parts:
                yield from parts

    return Batch(_file_digest(path), path.name, columns, chunks)


@contextmanager
def _reading(path: Path, encoding: str) -> Iterator[None]:
    """Errors of the CSV parser as one message that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not {encoding} text: byte {error.object[error.start]:#04x}",
            field="source.encoding", value=encoding, allowed="the encoding of the file",
            next="set `source: encoding:` in the task, for example latin-1",
        ) from error
    except LookupError as error:
        raise InputError(f"there is no encoding {encoding!r}", field="source.encoding",
                         value=encoding, allowed="utf-8, latin-1, cp1252 …") from error
    except (
        pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning
    ) as error:
        raise InputError(f"{path} is not a readable CSV file: {error}", field="source.csv",
                         value=str(path), allowed="a header, then rows of as many cells",
                         ) from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(65536)


def _refuse_binary(path: Path, head: bytes, encoding: str) -> None:
    found = next((name for mark, name in SIGNATURES.items() if head.startswith(mark)), None)
    if found is None and b"\x00" in head and not encoding.lower().startswith("utf-16"):
        found = "a binary file"
    if found:
        raise InputError(f"{path} is {found}, not CSV text", field="source.csv", value=str(path),
                         allowed="a text file with a header and separated values")


def _parquet(path: Path) -> Batch:
    try:
        columns = pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
                         field="source.parquet", value=str(path),
                         allowed="a Parquet file") from error
    return Batch(_file_digest(path), path.name, columns, lambda: _parquet_chunks([path]))


def _parquet_chunks(paths: list[Path]) -> Iterator[pd.DataFrame]:
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for part in file.iter_batches(batch_size=CHUNK):
                    # integers with gaps stay integers
                    yield part.to_pandas(integer_object_nulls=True)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} cannot be read to its end: {error}", field="source.parquet",
                             value=str(path), allowed="a whole Parquet file") from error


def _sql(sql: Sql, default_url: str | None, cache: Path) -> Batch:
    """The result is kept in files first, so that what is loaded is what was digested."""
    url = sql.url or default_url
    if url is None:
        raise InputError("the task reads from a database, but no address is given",
                         field="SOURCE_DATABASE_URL", allowed="an address, or `sql: url:`")
    engine = connect(url, "SOURCE_DATABASE_URL")
    cache.mkdir(parents=True, exist_ok=True)
    spool = tempfile.TemporaryDirectory(dir=cache, prefix="query-")
    paths, state, columns = [], hashlib.sha256(), list[str]()
    with answering(engine, "SOURCE_DATABASE_URL"), engine.connect() as connection:
        streaming = connection.execution_options(stream_results=True)
        result = streaming.execute(sa.text(sql.query))
        columns = list(result.keys())
        for rows in result.partitions(CHUNK):
            frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=columns)
            state.update(digest(frame).encode())
            paths.append(Path(spool.name) / f"{len(paths)}.parquet")
            _spooled(frame).to_parquet(paths[-1])

    def chunks() -> Iterator[pd.DataFrame]:
        with spool:
            yield from _parquet_chunks(paths)

    place = engine.url.render_as_string(hide_password=True)
    return Batch(state.hexdigest()[:16], f"query on {place}", columns, chunks)


def _spooled(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed values (decimals, bytes, times) as text, which every file can hold."""
    mixed = [name for name in frame.columns if frame[name].dtype == object]
    return frame.assign(**{
        name: frame[name].where(frame[name].isna(), frame[name].astype(str)).astype("str")
        for name in mixed
    })


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
