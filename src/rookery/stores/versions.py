"""Model versions: from a number in the registry to a model that answers."""

import logging

from mlflow.entities.model_registry import ModelVersion

from rookery.core.records import fields_of
from rookery.core.served import Lineage, ServedModel
from rookery.core.tags import COMMIT, DIGEST, FAMILY
from rookery.errors import NotPromoted, Refused
from rookery.stores.folders import ModelFolder, load_trusted, read_folder, require_inputs, scratch
from rookery.stores.tracking import Tracking

logger = logging.getLogger("rookery.stores")


def load_version(tracking: Tracking, name: str, number: str) -> ServedModel:
    """A version, loaded under the trust rule and asked once with its own input example.

    Raises:
        Refused: it is not a model that may be loaded, or it fails on its own example.
    """
    version = tracking.version(name, number)
    with scratch() as place:
        folder = read_folder(tracking.download(tracking.model_uri(version), place))
        pipeline = load_trusted(folder)
    inputs = require_inputs(folder, pipeline)
    model = ServedModel(
        name=name,
        version=str(version.version),
        alias=tracking.settings.model_alias,
        pipeline=pipeline,
        fields=fields_of(inputs, folder.task, folder.example),
        task=folder.task,
        lineage=_lineage(tracking, version, folder),
    )
    if folder.example:
        _ask(model)
    return model


def _ask(model: ServedModel) -> None:
    example = {field.name: field.example for field in model.fields if field.example is not None}
    try:
        model.predict(model.reader(strict=False).frame([example]))
    except Exception as error:  # whatever the estimator raises, it cannot answer
        # its words may hold what it read on this host, and /ready shows this refusal
        logger.warning("%s version %s: %s", model.name, model.version, error)
        raise Refused(
            f"version {model.version} of {model.name} fails on its own input example: "
            f"{type(error).__name__}; the log has its words",
            field="input_example",
            value=model.version,
            allowed="a model that answers its input example",
        ) from error


def load_production(tracking: Tracking, name: str) -> ServedModel:
    """The version that carries the serving alias.

    Raises:
        NotPromoted: none does yet.
    """
    number = tracking.production(name)
    if number is None:
        raise not_promoted(name, tracking.settings.model_alias)
    return load_version(tracking, name, number)


def not_promoted(name: str, alias: str) -> NotPromoted:
    return NotPromoted(
        f"no version of {name} carries the alias {alias!r} yet",
        field="MODEL_ALIAS",
        value=alias,
        allowed="an alias that a version carries",
        next=f"rookery promote {name}",
    )


def _lineage(tracking: Tracking, version: ModelVersion, folder: ModelFolder) -> Lineage:
    """What the run and the version say; a version without a run has its tags only."""
    tags, metrics = dict(version.tags), dict[str, float]()
    if version.run_id:
        run = tracking.run(version.run_id)
        tags = dict(run.data.tags) | tags
        metrics = dict(run.data.metrics)
    return Lineage(
        run_id=version.run_id or None,
        digest=tags.get(DIGEST),
        commit=tags.get(COMMIT),
        metrics=metrics,
        libraries=folder.libraries,
        family=tags.get(FAMILY),
    )
