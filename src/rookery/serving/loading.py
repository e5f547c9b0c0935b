"""Loading a version out of the registry; needs MLflow and scikit-learn, which take seconds."""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from rookery.core.served import Description
from rookery.errors import Refused
from rookery.serving.loaded import Loaded, Via, loaded_of
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.interface import Predictor
from rookery.serving.unpacking import predictor_from
from rookery.stores.folders import model_bytes, read_folder
from rookery.stores.tracking import Tracking
from rookery.stores.versions import LoadedVersion, load_version


def load(tracking: Tracking, version: ModelVersion, via: Via) -> Loaded:
    """A version with the fastest predictor that gives its pipeline's answers.

    Raises:
        Refused: it is not a model that may be loaded, or it fails on its own example.
    """
    found = load_version(tracking, version.name, str(version.version))
    settings = tracking.settings
    return loaded_of(
        found.description,
        predictor_of(found),
        strict=settings.api_strict,
        via=via,
        alias=settings.model_alias,
        link=found.link,
    )


def predictor_of(found: LoadedVersion) -> Predictor:
    """The fastest predictor that gives the answers of a version's pipeline.

    Raises:
        Refused: it gives several labels for a row.
    """
    one = found.description
    if any(isinstance(label, list) for label in one.labels or ()):
        raise Refused(
            f"version {one.version} of {one.name} gives several labels for a row",
            field="model",
            value=one.version,
            allowed="a classifier of one target",
        )
    return compile_predictor(found.pipeline, one.fields, one.example_row)


def predictor_in(path: Path, description: Description) -> Predictor:
    """The predictor of a model folder that was kept, under the same trust rule.

    Raises:
        Refused: it is not a model that may be loaded. ValueError: it is not the described one.
    """
    return predictor_from(model_bytes(read_folder(path)), description)
