"""What was served last, kept so that a restart answers in about a second and without MLflow.

For each served model a file that describes the version, and below `models/`, by the digest of the
model's file, its converted predictor: plain data, JSON and arrays. A model without a converted
form is kept as the folder that MLflow has, which is loaded under the same trust rule as ever, and
that takes as long as it takes. What does not fit together is not used; the registry is asked in
any case.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

import rookery
from rookery.core.served import Description
from rookery.serving.importing import import_loading
from rookery.serving.kept import Kept, kept_as_bytes, read_converted, read_kept, write_converted
from rookery.serving.loaded import Loaded
from rookery.serving.predictor.interface import Predictor
from rookery.settings import Settings

LOCK_SECONDS = 10
logger = logging.getLogger("rookery.serving")
Fetch = Callable[[Path], Path]


class WarmCache:
    """Keeps what one served model needs to start, in a folder below the cache."""

    def __init__(self, name: str, settings: Settings, folder: str = "served") -> None:
        self.settings = settings
        self.folder = settings.cache / folder
        self.file = self.folder / f"{name}.kept"

    def read(self) -> Loaded | None:
        """What was served last, if it was converted; None where that is not known for sure."""
        return self._loaded(self._converted)

    def read_folder(self) -> Loaded | None:
        """What was served last, if it was not converted; takes the seconds that its imports do."""
        return self._loaded(self._from_folder)

    def _loaded(self, predictor_of: Callable[[Kept], Predictor | None]) -> Loaded | None:
        if not self.file.exists():
            return None
        try:
            kept = read_kept(self.file)
            if (kept.rookery, kept.registry, kept.alias) != self._ours():
                return None
            predictor = predictor_of(kept)
            if predictor is None:
                return None
            return kept.loaded(predictor, strict=self.settings.api_strict)
        except Exception as error:  # whatever became of the files: the API starts without them
            logger.warning("%s is not used: %s", self.file, error)
            return None

    def _ours(self) -> tuple[str, str, str]:
        """A version is known by its number in one registry only."""
        return rookery.__version__, self.settings.tracking_uri, self.settings.model_alias

    def _converted(self, kept: Kept) -> Predictor | None:
        if kept.converted is None:
            return None
        return read_converted(self._place(kept.description), kept.converted)

    def _from_folder(self, kept: Kept) -> Predictor | None:
        if kept.converted is not None:
            return None
        import_loading()
        from rookery.serving.loading import predictor_in

        return predictor_in(self._place(kept.description), kept.description)

    def keep(self, loaded: Loaded, fetch: Fetch) -> None:
        """Keeps what serves now, `fetch` bringing the model's folder below another.

        What cannot be kept costs the next start its speed only.
        """
        one = loaded.description
        place = self._place(one)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.parent.mkdir(exist_ok=True)
            with FileLock(self.folder / ".lock", timeout=LOCK_SECONDS):
                converted = write_converted(place, loaded.predictor)
                if converted is None:
                    _fetch_to(place, fetch)
                kept = Kept(*self._ours(), loaded.via, loaded.link, converted, one)
                _replace(self.file, kept_as_bytes(kept))
                self._prune()
        except Exception as error:  # a full disk, or the registry: both are told of elsewhere
            logger.warning("%s cannot be kept for the next start: %s", one.name, error)

    def forget(self) -> None:
        """What was kept is not for the next start; its files go with the next that is kept."""
        self.file.unlink(missing_ok=True)

    def _prune(self) -> None:
        """Removes models that no file names any more; nobody has them open."""
        files = [path.read_bytes() for path in self.folder.glob("*.kept")]
        for place in (self.folder / "models").iterdir():
            if not any(place.name.encode() in text for text in files):
                shutil.rmtree(place, ignore_errors=True)

    def _place(self, description: Description) -> Path:
        return self.folder / "models" / description.model_digest


def _fetch_to(place: Path, fetch: Fetch) -> None:
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as scratch:
        new = fetch(Path(scratch, "new"))
        if place.exists():
            place.replace(Path(scratch, "old"))
        new.replace(place)


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.replace(path)
