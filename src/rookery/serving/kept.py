"""A version as files that need neither registry nor MLflow: what it is, and how it answers.

The description stands behind its own SHA-256 and names that of the converted predictor's document;
a version without a converted form is held by the digest of its model's file.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_core import to_json

from rookery.core.served import Description
from rookery.serving.loaded import Loaded, Via, loaded_of
from rookery.serving.predictor import artifact
from rookery.serving.predictor.interface import Predictor


@dataclass(frozen=True)
class Kept:
    """What stands in the file of a served model.

    `converted` is the SHA-256 of the converted predictor's document, None where there is none;
    `registry` is empty, and `alias` may be None, of a packaged model.
    """

    rookery: str
    registry: str
    alias: str | None
    via: Via
    link: str | None
    converted: str | None
    description: Description

    def loaded(self, predictor: Predictor, *, strict: bool) -> Loaded:
        """The version that answers by that predictor."""
        return loaded_of(
            self.description,
            predictor,
            strict=strict,
            via=self.via,
            alias=self.alias,
            link=self.link,
        )


_KEPT = TypeAdapter(Kept)


def read_kept(file: Path) -> Kept:
    """What was written by `kept_as_bytes`.

    Raises:
        ValueError: it is something else. OSError: it cannot be read.
    """
    text = file.read_bytes()
    data = text.partition(b"\n")[2]
    if text != _with_digest(data):
        raise ValueError(f"{file.name} is not the file that was written")
    return _KEPT.validate_json(data)


def kept_as_bytes(kept: Kept) -> bytes:
    return _with_digest(to_json(kept, inf_nan_mode="constants"))


def _with_digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def write_converted(place: Path, predictor: Predictor) -> str | None:
    """The SHA-256 of the document of a converted predictor; None where there is no such form."""
    return _document_digest(place) if artifact.write(place, predictor) else None


def read_converted(place: Path, digest: str) -> Predictor:
    """The converted predictor of that digest.

    Raises:
        ValueError: damaged, or another. OSError: there is none that can be read.
    """
    if _document_digest(place) != digest:
        raise ValueError(f"{place.parent.name}/{place.name} is not what was kept")
    return artifact.read(place)


def _document_digest(place: Path) -> str:
    return hashlib.sha256((place / artifact.DOCUMENT).read_bytes()).hexdigest()
