"""Answers of a data service on disk, whole or not at all, until their rows are in the tables."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rookery.errors import InputError

MOST_BYTES = 2 * 2**30


class Bodies:
    """A folder for one task; whoever uses it holds the lock of the task's batches.

    The file `asked` says that an answer was asked for and has not arrived: the service may have
    gone on although nobody got it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._asked = folder / "asked"
        for unfinished in folder.glob("*.part"):
            unfinished.unlink()

    @property
    def in_doubt(self) -> bool:
        return self._asked.exists()

    def ask(self) -> None:
        self._asked.touch()

    def settle(self) -> None:
        self._asked.unlink(missing_ok=True)

    def waiting(self) -> Path | None:
        """A whole body whose rows need not be loaded yet."""
        return next(iter(sorted(self.folder.glob("*.json"))), None)

    def store(self, blocks: Iterable[bytes]) -> Path:
        """Keeps a body under the digest of its bytes, once all of them are on the disk.

        Raises:
            InputError: there is no end to it.
        """
        state, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            for block in blocks:
                size += len(block)
                if size > MOST_BYTES:
                    raise InputError(
                        f"the service answered with more than {MOST_BYTES} bytes",
                        field="source.batches.url",
                        allowed=f"batches of up to {MOST_BYTES} bytes",
                    )
                state.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        path = self.folder / f"{state.hexdigest()}.json"
        Path(file.name).replace(path)
        self.settle()
        return path
