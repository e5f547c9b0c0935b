"""The files of a backup, written with their hashes, and the manifest that names them."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Annotated

from packaging.version import Version
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from rookery.errors import InputError
from rookery.stack.disk import flush
from rookery.stack.maintenance.stores import BUCKETS
from rookery.stack.maintenance.terminal import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FORMAT = 1
MANIFEST = "manifest.json"
POSTGRES = "postgres.dump"
MYSQL = "mysql.sql.gz"
OBJECTS = {bucket: f"objects/{bucket}.tar" for bucket in BUCKETS}
NAMES = {POSTGRES, MYSQL, *OBJECTS.values()}


# a count for each table, and a name for each version whose files were lost
MOST_OF_MANIFEST = 4_000_000


def _one_line(text: str) -> str:
    if text != printable(text):
        raise ValueError("not one line of printable characters")
    return text


Text = Annotated[str, AfterValidator(_one_line)]
Amount = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class Entry(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True)

    size: Amount
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a backup is: its format and time, what made it, what it holds, and its files."""

    model_config = ConfigDict(frozen=True)

    format: Amount
    at: Text
    versions: dict[Text, Text]
    # runs, versions and the like; `table <name>`: rows; `bucket <name>`: objects
    counts: dict[Text, Amount]
    # versions whose files were lost before the backup
    without_files: list[Text]
    files: dict[Text, Entry]

    @field_validator("versions")
    @classmethod
    def _comparable(cls, versions: dict[str, str]) -> dict[str, str]:
        for name in ("rookery", "mlflow"):
            if name in versions:
                Version(versions[name])
        return versions


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
            raise damaged(folder, f"{name} {fault}")
    return manifest


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(_text(folder))
    except FileNotFoundError:
        raise damaged(folder, f"it has no {MANIFEST}") from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "JSON"
        raise damaged(folder, f"{MANIFEST} is damaged at {printable(where)}") from None
    if manifest.format != FORMAT:
        raise InputError(
            f"{folder.name} is a backup of format {manifest.format}",
            field="format",
            value=manifest.format,
            allowed=f"format {FORMAT}",
            next=f"restore it with Rookery {manifest.versions.get('rookery', 'that made it')}",
        )
    if set(manifest.files) != NAMES:
        names = printable(", ".join(sorted(manifest.files))) or "nothing"
        raise damaged(folder, f"{MANIFEST} names {names} instead of {', '.join(sorted(NAMES))}")
    return manifest


def _text(folder: Path) -> bytes:
    path = folder / MANIFEST
    if not _is_regular(path):
        raise damaged(folder, f"{MANIFEST} is not a regular file")
    with path.open("rb") as file:
        text = file.read(MOST_OF_MANIFEST + 1)
    if len(text) > MOST_OF_MANIFEST:
        raise damaged(folder, f"{MANIFEST} has more than {MOST_OF_MANIFEST:,} bytes")
    return text


def _is_regular(path: Path) -> bool:
    """Not a link, which leads elsewhere, nor a pipe, which nobody may ever write to."""
    return S_ISREG(path.lstat().st_mode)


def _fault(path: Path, entry: Entry) -> str:
    try:
        if not _is_regular(path):
            return "is not a regular file"
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry.size:
                return f"has {size} bytes instead of {entry.size}"
            if file_digest(file, "sha256").hexdigest() != entry.sha256:
                return "is not what was written: its hash differs"
    except FileNotFoundError:
        return "is missing"
    return ""


def damaged(folder: Path, fault: str) -> InputError:
    """What to say of a backup that is not as it was written."""
    return InputError(
        f"{folder.name} is not a whole backup: {fault}; nothing was changed",
        field="FROM",
        value=folder.name,
        allowed="a folder as `backup` has written it",
        next="restore another one: ls backups",
    )
