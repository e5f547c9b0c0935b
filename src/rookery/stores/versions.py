"""Model versions: from a number in the registry to a model that answers."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from rookery.core.fields import fields_of
from rookery.core.frames import answers_of, frame_of
from rookery.core.records import RecordField, Row
from rookery.core.served import Description, Lineage
from rookery.core.tags import COMMIT, DIGEST, FAMILY
from rookery.core.task import Task
from rookery.errors import NotPromoted, Refused
from rookery.stores.folders import (
    ModelFolder,
    load_trusted,
    model_digest,
    read_folder,
    require_inputs,
    scratch,
)
from rookery.stores.tracking import Tracking

logger = logging.getLogger("rookery.stores")


@dataclass(frozen=True)
class LoadedVersion:
    """A version with its pipeline, and the page of its run where a registry knows it."""

    description: Description
    pipeline: Any
    task: Task | None
    link: str | None = None

    def answers(self, rows: list[Row]) -> tuple[list[Any], list[list[float]] | None]:
        """Labels, which need not be the most probable ones, and probabilities."""
        return answers_of(self.pipeline, frame_of(self.description.fields, rows))


def load_version(tracking: Tracking, name: str, number: str) -> LoadedVersion:
    """A version, loaded under the trust rule and asked once with its own input example.

    Raises:
        Refused: it is not a model that may be loaded, or it fails on its own example.
    """
    with scratch() as place:
        return fetch_version(tracking, name, number, place)[0]


def fetch_version(
    tracking: Tracking, name: str, number: str, place: Path
) -> tuple[LoadedVersion, ModelFolder]:
    """As `load_version`, and its folder, which is left below `place`."""
    version = tracking.version(name, number)
    folder = read_folder(tracking.download(tracking.model_uri(version), place))
    run = _run_of(tracking, version)
    loaded = loaded_from(
        folder,
        name=version.name,
        version=str(version.version),
        registered=int(version.creation_timestamp),
        lineage=_lineage(version, run, folder.libraries),
    )
    return replace(loaded, link=_link(tracking, run)), folder


def loaded_from(
    folder: ModelFolder, *, name: str, version: str, registered: int, lineage: Lineage
) -> LoadedVersion:
    """What a model folder holds, under that name and version.

    Raises:
        Refused: it is not a model that may be loaded, or it fails on its own example.
    """
    pipeline = load_trusted(folder)
    task = folder.task
    fields = fields_of(require_inputs(folder, pipeline), task, folder.example)
    used = {field.name for field in fields} | ({task.target} if task else set())
    labels = getattr(pipeline, "classes_", None)
    said = None if labels is None else tuple(np.asarray(labels).tolist())
    description = Description(
        name=name,
        version=version,
        registered=registered,
        model_digest=model_digest(folder),
        title=(task.title if task else "") or name,
        fields=fields,
        ignored=tuple(column for column in task.columns if column not in used) if task else (),
        target=_target(task) if task else None,
        classes=said if said and hasattr(pipeline, "predict_proba") else (),
        labels=said,
        lineage=lineage,
    )
    loaded = LoadedVersion(description, pipeline, task)
    if folder.example:
        _ask(loaded)
    return loaded


def _target(task: Task) -> RecordField:
    column = task.columns[task.target]
    return RecordField(task.target, column.type, unit=column.unit, description=column.description)


def _ask(loaded: LoadedVersion) -> None:
    model = loaded.description
    try:
        loaded.answers([row for row in [model.example_row] if row])
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


def load_production(tracking: Tracking, name: str) -> LoadedVersion:
    """The version that carries the serving alias.

    Raises:
        NotPromoted: none does yet.
    """
    number = tracking.production(name)
    if number is None:
        raise NotPromoted.of(name, tracking.settings.model_alias)
    return load_version(tracking, name, number)


def lineage_of(tracking: Tracking, name: str, number: str) -> tuple[Lineage, str | None]:
    """Where a version came from, and its run's page; its files are not looked at.

    Raises:
        InputError: there is no such version.
    """
    version = tracking.version(name, number)
    run = _run_of(tracking, version)
    return _lineage(version, run, {}), _link(tracking, run)


def _run_of(tracking: Tracking, version: ModelVersion) -> Run | None:
    return tracking.run(version.run_id) if version.run_id else None


def _link(tracking: Tracking, run: Run | None) -> str | None:
    return tracking.link(run.info.experiment_id, run.info.run_id) if run else None


def _lineage(version: ModelVersion, run: Run | None, libraries: dict[str, str]) -> Lineage:
    """What the run and the version say; a version without a run has its tags only."""
    tags, metrics = dict(version.tags), dict[str, float]()
    if run:
        tags = dict(run.data.tags) | tags
        metrics = dict(run.data.metrics)
    return Lineage(
        run_id=version.run_id or None,
        digest=tags.get(DIGEST),
        commit=tags.get(COMMIT),
        metrics=metrics,
        libraries=libraries,
        family=tags.get(FAMILY),
    )
