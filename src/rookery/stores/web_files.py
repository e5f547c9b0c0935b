"""Files from the web: fetched once, kept by their SHA-256, and never read with another content."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd
import pooch
import requests

from rookery.core.sections import Source, Web, WebFile
from rookery.errors import InputError, Refused, Unavailable
from rookery.stores.batches import Batch
from rookery.stores.csv_files import csv_chunks, csv_header

SECONDS = 60  # without a byte
MOST_BYTES = 4 * 2**30  # of one unpacked file
BY_HAND = "put the files into a folder and name it: SOURCE_FILES=FOLDER"
# of how it fetches; what a user has to know is in the errors
pooch.get_logger().setLevel("WARNING")


def open_web(web: Web, source: Source, cache: Path, local: Path | None) -> Batch:
    """The rows of all files, one file after the other, each with what the task adds to it.

    The files are taken from the folder `local` where one is given, else from below `cache`, and
    fetched into that where they are not there yet.

    Raises:
        Refused: a file is not the one that the task names by its SHA-256.
        Unavailable: it could not be fetched. InputError: there is none in `local`, or no CSV.
    """
    paths = [_in_folder(local, file) if local else _fetched(web, file, cache) for file in web.files]
    names = web.header or csv_header(paths[0], source, web.files[0].skip_lines)
    columns = [*names, *web.files[0].add]

    def chunks() -> Iterator[pd.DataFrame]:
        for path, file in zip(paths, web.files, strict=True):
            for part in csv_chunks(path, source, file.skip_lines, web.header):
                yield part.assign(**file.add)

    content = web.model_dump_json(exclude={"archive": True, "files": {"__all__": {"url"}}})
    read_as = f"{content}{source.encoding.lower()}{source.separator}"
    origin = ", ".join(file.name for file in web.files)
    return Batch(hashlib.sha256(read_as.encode()).hexdigest()[:16], origin, columns, chunks)


def _in_folder(folder: Path, file: WebFile) -> Path:
    """A file of the folder, or of a folder in it."""
    found = next((path for path in _places(folder, file.name) if path.is_file()), None)
    if found is None:
        raise InputError(
            f"there is no file {file.name} in {folder}, nor in a folder there",
            field="SOURCE_FILES",
            value=str(folder),
            allowed="a folder that holds it; unset: it is fetched",
        )
    _check(_sha256(found), file, str(found), "unset SOURCE_FILES to fetch it")
    return found


def _places(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    yield from sorted(folder.glob(f"*/{name}"))


def _fetched(web: Web, file: WebFile, cache: Path) -> Path:
    """The file below the cache; one that is not whole is fetched again."""
    kept = cache / "files" / file.sha256[:16] / file.name
    if not (kept.is_file() and _sha256(kept) == file.sha256):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="part-") as folder:
            fresh = _download(web, file, Path(folder))
            fresh.replace(kept)
    return kept


def _download(web: Web, file: WebFile, folder: Path) -> Path:
    """From its own address if it has one, else out of the archive."""
    url = file.url or str(web.archive)
    found = folder / "unpacked"
    with _answering(url):
        fetched = Path(
            pooch.retrieve(
                url,
                known_hash=None,  # of what is unpacked, below
                fname="answer",
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=SECONDS),
            )
        )
        if file.url:
            fetched.rename(found)
        else:
            _unpack(fetched, file.name, found, url)
    _check(_sha256(found), file, url, f"look whether the source has changed, or {BY_HAND}")
    return found


@contextmanager
def _answering(url: str) -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        raise Unavailable(
            f"{url} could not be fetched whole: {type(error).__name__}: {str(error)[:200]}",
            field="source.web",
            value=url,
            next=f"look at the network, or {BY_HAND}",
        ) from error
    except (BadZipFile, EOFError) as error:
        raise Refused(
            f"the answer of {url} is no whole zip archive: {error}",
            field="source.web.archive",
            value=url,
            allowed="the archive that the task was written for",
            next=f"try again, or {BY_HAND}",
        ) from error


def _unpack(archive: Path, name: str, to: Path, url: str) -> None:
    """One member, whatever folder it is in."""
    with ZipFile(archive) as opened:
        member = next((m for m in opened.infolist() if Path(m.filename).name == name), None)
        if member is None or member.file_size > MOST_BYTES:
            raise Refused(
                f"the archive at {url} "
                + (f"has no {name}" if member is None else f"has a {name} beyond all measure"),
                field="source.web.files",
                value=name,
                allowed=", ".join(m.filename for m in opened.infolist()[:20]),
            )
        with opened.open(member) as packed, to.open("wb") as plain:
            shutil.copyfileobj(packed, plain)


def _check(found: str, file: WebFile, where: str, advice: str) -> None:
    if found != file.sha256:
        raise Refused(
            f"{file.name} from {where} is not the file that the task names: "
            f"its SHA-256 is {found}, not {file.sha256}",
            field="source.web.files.sha256",
            value=found,
            allowed=file.sha256,
            next=advice,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
