"""The folder of a packaged model: one version, served without registry, database and MLflow.

model.json      what the version is, behind its own SHA-256
predictor/      its converted form, where it has one, by the digest in model.json
model/          the folder that MLflow has, its model.skops by the digest in model.json
examples.json   records, and what the pipeline itself answers to them
"""

import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import rookery
from rookery.core.examples import Examples, examples_as_json
from rookery.core.served import Description
from rookery.errors import InputError, Refused
from rookery.serving.kept import Kept, kept_as_bytes, read_converted, read_kept, write_converted
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.predictor.interface import Predictor
from rookery.serving.problems import Problem
from rookery.serving.swap import Follower
from rookery.settings import Settings

if TYPE_CHECKING:
    from rookery.stores.tracking import Tracking

DOCUMENT, PREDICTOR, MODEL, EXAMPLES = "model.json", "predictor", "model", "examples.json"
MODEL_FILE = "model.skops"


def write_packaged(
    place: Path,
    description: Description,
    predictor: Predictor,
    *,
    alias: str | None,
    model: Path,
    data: bytes,
    examples: Examples,
) -> None:
    """Fills a new folder: `model` is MLflow's, `data` the file in it that holds the pipeline.

    Raises:
        Refused: there is a symbolic link in `model`, which would bring in a file from anywhere.
    """
    _refuse_links(model)
    shutil.copytree(model, place / MODEL)
    (place / MODEL / MODEL_FILE).write_bytes(data)
    converted = write_converted(place / PREDICTOR, predictor)
    kept = Kept(rookery.__version__, "", alias, "package", None, converted, description)
    (place / DOCUMENT).write_bytes(kept_as_bytes(kept))
    (place / EXAMPLES).write_bytes(examples_as_json(examples))


def _refuse_links(model: Path) -> None:
    for path in (model, *model.rglob("*")):
        if path.is_symlink():
            raise Refused(
                f"{path} is a symbolic link, and what it leads to would go into the image",
                field="model",
                value=str(path),
                allowed="a folder of files, as MLflow writes it",
            )


def read_packaged(place: Path, *, strict: bool) -> Loaded:
    """The version in a folder, ready to answer.

    Raises:
        InputError: the folder is not one that `write_packaged` filled. Refused: it holds a model
            that may not be loaded.
    """
    try:
        kept = read_kept(place / DOCUMENT)
        if kept.rookery != rookery.__version__:
            raise ValueError(  # noqa: TRY301
                f"it was packaged by Rookery {kept.rookery}, and this is {rookery.__version__}"
            )
        return kept.loaded(_predictor(place, kept), strict=strict)
    except (OSError, ValueError) as error:
        raise InputError(
            f"MODEL_DIR={place} cannot be served: {error}",
            field="MODEL_DIR",
            value=str(place),
            allowed="the folder /model of an image that rookery package made",
        ) from error


def _predictor(place: Path, kept: Kept) -> Predictor:
    if kept.converted is not None:
        return read_converted(place / PREDICTOR, kept.converted)
    from rookery.serving.unpacking import predictor_from  # a second of imports

    return predictor_from((place / MODEL / MODEL_FILE).read_bytes(), kept.description)


class PackagedModel(Follower):
    """Serves the version in `MODEL_DIR` for good: it is loaded once, or the API does not start."""

    def __init__(self, place: Path, settings: Settings, metrics: Metrics) -> None:
        loaded = read_packaged(place, strict=settings.api_strict)
        super().__init__(loaded.description.name, settings, metrics)
        self._serve(loaded)

    def start(self) -> None:
        """Nothing is followed."""
        self._set_apart_what_stays()

    @cached_property
    def tracking(self) -> "Tracking":
        """There is no registry to ask."""
        self._refuse(404, "there is no registry to ask")

    def reload(self) -> NoReturn:
        """There is nothing to look at."""
        self._refuse(409, "another version is served by starting its own image")

    def _refuse(self, status: int, why: str) -> NoReturn:
        assert self.loaded is not None
        version = self.loaded.description.version
        raise Problem(
            status, f"version {version} of {self.name} is served from MODEL_DIR for good: {why}"
        )
