"""What comes next: the first batch that is not loaded, of a data service or of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rookery.core.sections import Batches, Source
from rookery.errors import InputError
from rookery.stores.answered_rows import NoBatch, read_answer, texts_of
from rookery.stores.audit import BatchEntry
from rookery.stores.batches import Batch, file_digest
from rookery.stores.bodies import Bodies
from rookery.stores.csv_files import open_csv
from rookery.stores.data_service import DataService
from rookery.stores.parquet_files import open_parquet


@dataclass(frozen=True)
class Arrival:
    """A batch that is to be loaded; `body` is what was kept of it on disk."""

    number: int
    batch: Batch
    digest: str
    body: Path | None = None
    numbered: bool = True  # by the service itself

    def loaded(self) -> None:
        """Its rows are in the tables: what was kept on disk may go."""
        if self.body:
            self.body.unlink(missing_ok=True)


class Stream(Protocol):
    """Where batches come from; `ending` says why there is no further one."""

    @property
    def ending(self) -> str: ...

    def next(self, known: Sequence[BatchEntry]) -> Arrival | None:
        """The next batch, None at the end of the data."""


class FolderStream:
    """The files of a folder in the order of their names."""

    def __init__(self, source: Source, batches: Batches, root: Path) -> None:
        self._source, self._pattern = source, batches.pattern
        self._folder = root / str(batches.folder)
        self.ending = f"every file {batches.pattern} of {self._folder} is loaded"

    def next(self, known: Sequence[BatchEntry]) -> Arrival | None:
        """The first file of a name that is not loaded yet.

        Raises:
            InputError: there is no file, or one has changed since it was loaded.
        """
        loaded = {entry.origin: entry for entry in known}
        for path in self._files():
            digest = file_digest(path, 64)
            if path.name not in loaded:
                return Arrival(_following(known), self._open(path), digest)
            if loaded[path.name].digest != digest:
                raise InputError(
                    f"{path} has changed since it was loaded as batch {loaded[path.name].number}",
                    field="source.batches.folder",
                    value=path.name,
                    allowed="files that stay as they are",
                    next="put the file back, and give new rows in a file of another name",
                )
        return None

    def _files(self) -> list[Path]:
        found = sorted(path for path in self._folder.glob(self._pattern) if path.is_file())
        if not found:
            raise InputError(
                f"there is no file {self._pattern} in {self._folder}",
                field="source.batches.folder",
                value=str(self._folder),
                allowed="a folder with a file for each batch",
            )
        return found

    def _open(self, path: Path) -> Batch:
        if path.suffix.lower() not in (".parquet", ".pq"):
            return open_csv(path, self._source)
        batch = open_parquet(path)
        return replace(batch, chunks=lambda: map(texts_of, batch.chunks()))


class ServiceStream:
    """An HTTP service that hands out a batch at each request, and may be restarted.

    It goes on at every request, also when its answer is lost. Two things tell that one was: a
    number was left out, or the data has ended after an answer that never arrived. Then all
    batches are asked for again from the first, and those that are loaded are passed over.
    """

    def __init__(self, batches: Batches, url: str, columns: Sequence[str], folder: Path) -> None:
        self._bodies = Bodies(folder)
        self._service = DataService(batches, url, self._bodies)
        self._columns = list(batches.columns or columns)
        self._attempts = batches.attempts

    def next(self, known: Sequence[BatchEntry]) -> Arrival | None:
        """The next batch that is not loaded.

        Raises:
            Unavailable: the service does not answer with one. InputError: it refuses.
        """
        restarts, passed = 0, 0
        while passed <= len(known) + self._attempts:
            arrival = self._arrival(known)
            if arrival is not None and _is_repeat(arrival, known):
                arrival.loaded()
                passed += 1
            elif restarts < self._attempts and self._lost_one(arrival, known, restarts):
                if arrival is not None:
                    arrival.loaded()  # it will come again, after what is missing
                self._service.restart()
                restarts, passed = restarts + 1, 0
            else:
                return arrival
        raise self._service.unavailable("it answers with batches that are loaded already")

    @property
    def ending(self) -> str:
        return self._service.ending

    def _arrival(self, known: Sequence[BatchEntry]) -> Arrival | None:
        """What waits on disk from before, or else the next answer; None at the end."""
        said = ""
        for _ in range(self._attempts):
            body = self._bodies.waiting() or self._service.fetch()
            if body is None:
                return None
            try:
                answer = read_answer(body, self._columns)
            except NoBatch as error:
                said = f"its answer is {error}"
                self._service.lost()
                body.unlink()
                continue
            number = answer.number if answer.number is not None else _following(known)
            named = f"{self._service.address} batch {number}"
            batch = replace(answer.batch, origin=named)
            return Arrival(number, batch, body.stem, body, numbered=answer.number is not None)
        raise self._service.unavailable(said)

    def _lost_one(
        self, arrival: Arrival | None, known: Sequence[BatchEntry], restarts: int
    ) -> bool:
        """A gap that stays after a restart without trouble is how the service counts."""
        troubled = self._service.troubled
        if restarts and not troubled:
            return False
        if arrival is None:
            return troubled or not known
        return arrival.number > _following(known) if arrival.numbered else troubled


def open_stream(
    source: Source, columns: Sequence[str], root: Path, url: str, folder: Path
) -> Stream:
    """The stream of a task; relative paths start at `root`, bodies are kept in `folder`."""
    batches = source.batches
    if batches is None:
        raise AssertionError("only a source of batches is a stream")
    if batches.folder:
        return FolderStream(source, batches, root)
    return ServiceStream(batches, batches.url or url, columns, folder)


def _following(known: Sequence[BatchEntry]) -> int:
    return max((entry.number for entry in known), default=-1) + 1


def _is_repeat(arrival: Arrival, known: Sequence[BatchEntry]) -> bool:
    """Known rows under a new number are no repeat: the service goes on from that number."""
    same = any(entry.batch_id == arrival.batch.id for entry in known)
    return same and not (arrival.numbered and arrival.number >= _following(known))
