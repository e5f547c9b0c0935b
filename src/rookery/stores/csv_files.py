"""CSV files: text whatever it is about, typed only where rows are cleaned."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from rookery.core.sections import Source
from rookery.errors import InputError
from rookery.stores.batches import Batch
from rookery.stores.tables import CHUNK

SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3": "a SQLite database",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an Excel file of the old kind",
    b"<!doctype html": "a web page",
    b"<!DOCTYPE html": "a web page",
    b"<html": "a web page",
}


def open_csv(path: Path, source: Source) -> Batch:
    """The rows of a CSV file, every cell as text.

    Raises:
        InputError: it is not text in that encoding, or not CSV.
    """
    content = _text_digest(path, source.encoding)
    header = csv_header(path, source)
    # the same bytes read in another way are other rows
    read_as = hashlib.sha256(f"{content}{source.encoding.lower()}{source.separator}".encode())
    return Batch(read_as.hexdigest()[:16], path.name, header, lambda: csv_chunks(path, source))


def csv_header(path: Path, source: Source, skip: int = 0) -> list[str]:
    """The names in the first line after those that are skipped."""
    with _reading(path, source.encoding):
        # as a row, because pandas renames a column that the header has twice
        rows = pd.read_csv(path, nrows=1, header=None, skiprows=skip, **_options(source))
    return [str(name) for name in rows.iloc[0]]


def csv_chunks(
    path: Path, source: Source, skip: int = 0, names: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """The rows in parts; `names` are the columns of a file that does not name them."""
    layout = {"header": None, "names": list(names)} if names else {}
    with _reading(path, source.encoding), warnings.catch_warnings():
        # pandas only warns when it drops what a row has too much
        warnings.simplefilter("error", pd.errors.ParserWarning)
        options = _options(source) | layout
        with pd.read_csv(path, chunksize=CHUNK, skiprows=skip, **options) as parts:
            yield from parts


def _options(source: Source) -> dict[str, Any]:
    # every cell as text, as the file has it: what is a number is decided where rows are cleaned
    utf8 = source.encoding.lower() in ("utf-8", "utf8")
    return {
        "dtype": str,
        "keep_default_na": False,
        "index_col": False,
        "sep": source.separator,
        "encoding": "utf-8-sig" if utf8 else source.encoding,
    }


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
    except pd.errors.EmptyDataError as error:
        raise InputError(
            f"{path} holds nothing but blank lines",
            field="source.csv",
            value=str(path),
            allowed="a header, then rows of as many cells",
        ) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        fault = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(
            f"{path} is not a readable CSV file: {fault}",
            field="source.csv",
            value=str(path),
            allowed="a header, then rows of as many cells",
        ) from error


def _text_digest(path: Path, encoding: str) -> str:
    """The digest of a file that may hold text; a zero byte anywhere says that it does not."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            _check_text(path, block, encoding, "source.csv", first=file.tell() == len(block))
            state.update(block)
    return state.hexdigest()


def refuse_binary(path: Path, encoding: str, field: str) -> None:
    """Refuses a file whose beginning is not that of a text; `field` is what named it.

    Raises:
        InputError: naming what it seems to be.
    """
    with path.open("rb") as file:
        _check_text(path, file.read(1 << 20), encoding, field, first=True)


def _check_text(path: Path, block: bytes, encoding: str, field: str, *, first: bool) -> None:
    marks = (name for mark, name in SIGNATURES.items() if first and block.startswith(mark))
    found = next(marks, None)
    if found is None and b"\x00" in block and not encoding.lower().startswith(("utf-16", "utf-32")):
        found = "a binary file"
    if found:
        raise InputError(
            f"{path} is {found}, not CSV text",
            field=field,
            value=str(path),
            allowed="a text file with a header and separated values",
        )
