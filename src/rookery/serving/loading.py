"""Loading a version out of the registry; needs MLflow and scikit-learn, which take seconds."""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from rookery.core.served import Description
from rookery.errors import Refused
from rookery.serving.loaded import Loaded, Via, loaded_of
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.interface import Predictor
from rookery.stores.folders import load_trusted, model_digest, read_folder
from rookery.stores.tracking import Tracking
from rookery.stores.versions import load_version, run_link


def load(tracking: Tracking, version: ModelVersion, via: Via) -> Loaded:
    """A version with the fastest predictor that gives its pipeline's answers.

    Raises:
        Refused: it is not a model that may be loaded, or it fails on its own example.
    """
    found = load_version(tracking, version.name, str(version.version))
    if any(isinstance(label, list) for label in found.description.labels or ()):
        raise Refused(
            f"version {version.version} of {version.name} gives several labels for a row",
            field="model",
            value=str(version.version),
            allowed="a classifier of one target",
        )
    settings = tracking.settings
    return loaded_of(
        found.description,
        compile_predictor(found.pipeline, found.description.fields, found.description.example_row),
        strict=settings.api_strict,
        via=via,
        alias=settings.model_alias,
        link=run_link(tracking, version),
    )


def predictor_in(path: Path, description: Description) -> Predictor:
    """The predictor of a model folder that was kept, under the same trust rule.

    Raises:
        Refused: it is not a model that may be loaded. ValueError: it is not the described one.
    """
    folder = read_folder(path)
    if model_digest(folder) != description.model_digest:
        raise ValueError(f"{path.name} is not the model that was kept")
    return compile_predictor(load_trusted(folder), description.fields, description.example_row)
