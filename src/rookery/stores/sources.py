"""Where raw rows come from: a package, a CSV or Parquet file, a SQL query, the web."""

from pathlib import Path
from typing import Any

from rookery.core.holdout import digest
from rookery.core.sections import Source
from rookery.errors import InputError
from rookery.stores.batches import Batch
from rookery.stores.csv_files import open_csv
from rookery.stores.database import plain_place, quoted
from rookery.stores.parquet_files import open_parquet
from rookery.stores.queries import open_query

SHEET = "save the sheet as CSV, and name that file"
UNPACK = "unpack it, and name the file that is in it"
NEXT = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), SHEET),
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz"), UNPACK),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "sqlite:///FILE#table"),
}


def open_source(
    source: Source, folder: Path, sql_url: str | None, cache: Path, local: Path | None = None
) -> Batch:
    """The batch that a task's source holds now; relative paths start at `folder`.

    `local` holds copies of files that would be fetched from the web.

    Raises:
        InputError: the source cannot be found or read as what it says it is.
        Refused: a file from the web is another one. Unavailable: it cannot be fetched.
    """
    if source.package:
        return _package(source.package)
    if source.csv:
        return open_csv(_existing(folder / source.csv), source)
    if source.parquet:
        return open_parquet(_existing(folder / source.parquet))
    if source.web:
        # a library of the jobs only, which most sources do not need
        from rookery.stores.web_files import open_web

        return open_web(source.web, source, cache, local)
    if source.sql is None:
        raise AssertionError("a source has exactly one kind")
    return open_query(source.sql, sql_url, cache)


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
    if Path(text).is_dir() or ending not in kind:
        raise _no_source(text, ending)
    separator = "\t" if ending == ".tsv" else declared.separator
    return _checked(
        **{kind[ending]: str(Path(text).resolve())}, separator=separator, encoding=declared.encoding
    )


def as_section(source: Source, folder: Path) -> dict[str, Any]:
    """A source as a task file holds it: paths from `folder` where they are below it, no secret.

    The address of a database is left out unless it is only a place: `SOURCE_DATABASE_URL` gives it.
    """
    section = source.model_dump(exclude_defaults=True)
    for kind in ("csv", "parquet"):
        if kind in section and Path(section[kind]).is_relative_to(folder):
            section[kind] = Path(section[kind]).relative_to(folder).as_posix()
    if source.sql and source.sql.url:
        place = plain_place(source.sql.url)
        section["sql"] = {"query": source.sql.query} | ({"url": place} if place else {})
    return section


def _no_source(text: str, ending: str) -> InputError:
    folder = Path(text).is_dir()
    what = "it is a folder" if folder else "what this is cannot be told from its name"
    return InputError(
        f"--from {text!r}: {what}",
        field="--from",
        value=text,
        allowed=".csv, .tsv, .txt, .parquet, .pq, package:NAME, ADDRESS#table",
        next="name one of its files; for files that are batches of one table see docs/batches.md"
        if folder
        else NEXT.get(ending),
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
            next="mend the path, in `source:` of the task or after --from",
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
