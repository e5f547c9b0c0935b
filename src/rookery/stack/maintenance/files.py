"""The files of a backup, written with their hashes, and the manifest that names them."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from rookery.errors import InputError
from rookery.stack.disk import flush
from rookery.stack.maintenance.stores import BUCKETS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FORMAT = 1
MANIFEST = "manifest.json"
POSTGRES = "postgres.dump"
MYSQL = "mysql.sql.gz"
OBJECTS = {bucket: f"objects/{bucket}.tar" for bucket in BUCKETS}
NAMES = {POSTGRES, MYSQL, *OBJECTS.values()}


class Entry(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """What a backup is: its format and time, what made it, what it holds, and its files."""

    model_config = ConfigDict(frozen=True)

    format: int
    at: str
    versions: dict[str, str]
    # runs, versions and the like; `table <name>`: rows; `bucket <name>`: objects
    counts: dict[str, int]
    # versions whose files were lost before the backup
    without_files: list[str]
    files: dict[str, Entry]


class Hashed(io.RawIOBase):
    """A file that is written from start to end, and hashed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._hash = sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self._hash.update(data)
        written = self._file.write(data)
        self._size += written
        return written

    @property
    def entry(self) -> Entry:
        return Entry(size=self._size, sha256=self._hash.hexdigest())


class Folder:
    """A backup that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}

    @contextmanager
    def writing(self, name: str) -> Iterator[Hashed]:
        """A new file, for this user's eyes; on the disk when the block ends."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        with path.open("wb") as file:
            hashed = Hashed(file)
            yield hashed
            file.flush()
            os.fsync(file.fileno())
        flush(path.parent)
        self.entries[name] = hashed.entry


def checked(folder: Path) -> Manifest:
    """The manifest of a backup all of whose files are as they were written.

    Raises:
        InputError: it is no backup, of another format, or a file is missing or changed.
    """
    manifest = _manifest(folder)
    for name, entry in sorted(manifest.files.items()):
        if fault := _fault(folder / name, entry):
            raise _damaged(folder, f"{name} {fault}")
    return manifest


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise _damaged(folder, f"it has no {MANIFEST}") from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "JSON"
        raise _damaged(folder, f"{MANIFEST} is damaged at {where}") from None
    if manifest.format != FORMAT:
        raise InputError(
            f"{folder.name} is a backup of format {manifest.format}",
            field="format",
            value=manifest.format,
            allowed=f"format {FORMAT}",
            next=f"restore it with Rookery {manifest.versions.get('rookery', 'that made it')}",
        )
    if set(manifest.files) != NAMES:
        raise _damaged(folder, f"{MANIFEST} names {', '.join(sorted(manifest.files)) or 'nothing'}")
    return manifest


def _fault(path: Path, entry: Entry) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry.size:
                return f"has {size} bytes instead of {entry.size}"
            if file_digest(file, "sha256").hexdigest() != entry.sha256:
                return "is not what was written: its hash differs"
    except FileNotFoundError:
        return "is missing"
    return ""


def _damaged(folder: Path, fault: str) -> InputError:
    return InputError(
        f"{folder.name} is not a whole backup: {fault}; nothing was changed",
        field="FROM",
        value=folder.name,
        allowed="a folder as `backup` has written it",
        next="restore another one: ls backups",
    )
