"""Segments of blocks on disk, and who sends them.

Each process writes into a folder of its own and holds its lock: the lock ends with the process,
so that a folder whose lock is free was left by one that died, and is sent by whoever takes it.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from rookery.serving.prediction_log.blocks import entry_in
from rookery.serving.prediction_log.rows import Entry

SEGMENT_BYTES = 4 * 2**20


class Spool:
    """One process's view of the spool; `append` and `close_segment` belong to one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / uuid4().hex
        self._held: dict[Path, FileLock] = {}
        self._current: Path | None = None
        self._file: FileIO | None = None

    def append(self, lines: bytes) -> None:
        """Hands whole lines to the operating system.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        file = self._file or self._open_segment()
        if file.write(lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._current))

    def close_segment(self, *, durable: bool = False) -> None:
        """Leaves the current segment to the sender; `durable` waits for the disk itself."""
        file, self._file, self._current = self._file, None, None
        if file is not None:
            with file:
                if durable:
                    os.fsync(file)

    def is_due(self) -> bool:
        """Whether the current segment is to be closed: the sender has no other, or it is full."""
        if self._file is None:
            return False
        return self._file.tell() >= SEGMENT_BYTES or next(self.waiting(), None) is None

    def waiting(self) -> Iterator[Path]:
        """Closed segments that are this process's to send, oldest first."""
        # the files first: what is not the current one afterwards was closed meanwhile
        found = [path for folder in list(self._held) for path in segments_in(folder)]
        current = self._current
        yield from sorted((path for path in found if path != current), key=lambda path: path.name)

    def remove(self, segment: Path) -> None:
        """Forgets a segment that was sent, and the folder of a dead process with its last one."""
        segment.unlink(missing_ok=True)
        folder = segment.parent
        if folder != self._own and not segments_in(folder):
            with self._changing_folders():
                self._leave(folder)

    def adopt(self) -> None:
        """Takes over what dead processes left.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._changing_folders():
            for folder in [path for path in self.folder.iterdir() if path.is_dir()]:
                if folder not in self._held:
                    self._hold(folder)

    def leave(self) -> None:
        """Gives every folder back: what was not sent is the next one's."""
        if self._held:
            with self._changing_folders():
                for folder in list(self._held):
                    self._leave(folder)

    def sizes(self) -> dict[Path, int]:
        """Bytes by segment, those of other processes among them."""
        found = {}
        for folder in _entries_of(self.folder):
            for path in segments_in(folder):
                with suppress(FileNotFoundError):  # sent meanwhile
                    found[path] = path.stat().st_size
        return found

    def find(self, prediction_id: str) -> Entry | None:
        """A prediction that is still here, whoever answered it; reads the segments."""
        for path in self.sizes():
            with suppress(FileNotFoundError), path.open("rb") as file:
                found = (entry_in(line, prediction_id) for line in file)
                if entry := next(filter(None, found), None):
                    return entry
        return None

    def _open_segment(self) -> FileIO:
        if self._own not in self._held:
            with self._changing_folders():
                self._own.mkdir(mode=0o700, exist_ok=True)
                self._hold(self._own)
        self._current = self._own / f"{time.time_ns():020}.lines"
        self._file = FileIO(self._current, "x")
        return self._file

    def _changing_folders(self) -> FileLock:
        """One process at a time: a folder that is being made looks like one that was left."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(self.folder / "lock")

    def _hold(self, folder: Path) -> None:
        lock = FileLock(folder / "lock", thread_local=False)
        with suppress(Timeout):  # its process lives
            lock.acquire(timeout=0)
            self._held[folder] = lock

    def _leave(self, folder: Path) -> None:
        self._held.pop(folder).release()
        if not segments_in(folder):
            (folder / "lock").unlink(missing_ok=True)
            with suppress(OSError):  # something of somebody else's is in it
                folder.rmdir()


def segments_in(folder: Path) -> list[Path]:
    """Named for the time at which they were begun."""
    return [
        path for path in _entries_of(folder) if path.suffix == ".lines" and path.stem.isdecimal()
    ]


def age_seconds(segment: Path) -> float:
    """How long ago a segment was begun."""
    return max(0.0, time.time() - int(segment.stem) / 1e9)


def _entries_of(folder: Path) -> list[Path]:
    """Nothing where another process has removed it just now."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return list(folder.iterdir())
    return []
