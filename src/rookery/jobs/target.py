"""What a promotion is about: a version or a run's model, loaded, and registered when it may be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature, infer_signature

from rookery.core.fields import fields_of
from rookery.core.records import RecordField
from rookery.core.shape import inputs_for
from rookery.core.tags import CONVERTED_FROM, DIGEST, FAMILY, LAST_BATCH
from rookery.core.task import Task
from rookery.errors import Refused
from rookery.jobs.project import Project
from rookery.stores.folders import (
    ModelFolder,
    load_trusted,
    load_untrusted,
    read_folder,
    require_inputs,
    scratch,
)
from rookery.stores.models import libraries, write_model


@dataclass(frozen=True)
class Target:
    """A model that wants the alias; `version` is None while it is not registered."""

    name: str
    model: Any
    fields: tuple[RecordField, ...]
    run_id: str | None
    model_id: str | None
    version: str | None
    ours: bool  # written by us: skops, task copy, pinned requirements
    libraries: dict[str, str]  # those it will be loaded with: its own pins, or ours if converted
    signature: ModelSignature | None = None
    task: Task | None = None  # as it was when the model was made; None of a model logged by hand

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.fields]


def from_version(project: Project, number: str, *, named: bool = True) -> Target:
    """A registered version, in whatever format it was logged.

    Raises:
        Refused: it could run code when it is loaded, and nobody `named` it.
    """
    version = project.tracking.version(project.task.name, number)
    uri = project.tracking.model_uri(version)
    return _loaded(
        project,
        uri,
        f"version {number}",
        version.run_id or None,
        version.model_id,
        str(version.version),
        named=named,
    )


def from_run(project: Project, run_id: str, *, named: bool = True) -> Target:
    """A run's last logged model, and the version that it became, if it did.

    Raises:
        Refused: it could run code when it is loaded, and nobody `named` it.
    """
    model_id = project.tracking.model_of_run(run_id)
    name = project.tracking.run(run_id).info.run_name or run_id
    versions = project.tracking.versions(project.task.name)
    known = [v for v in versions if _is_of(v, run_id, model_id)]
    version = str(known[0].version) if known else None
    uri = project.tracking.model_uri(known[0]) if known else f"models:/{model_id}"
    shown = f"{name} (run {run_id})"
    return _loaded(project, uri, shown, run_id, model_id, version, named=named)


def from_folder(path: Path) -> Target:
    """A model folder that is no run's: `model/` as `rookery train` leaves it.

    Raises:
        Refused: it is not a model that may be loaded.
    """
    folder = read_folder(path)
    model = load_trusted(folder)
    fields = fields_of(require_inputs(folder, model), folder.task, folder.example)
    pinned, name = folder.libraries, f"the model in {path}"
    return Target(name, model, fields, None, None, None, True, pinned, task=folder.task)


def _is_of(version: ModelVersion, run_id: str, model_id: str) -> bool:
    """Whether a version is this model; a run may have logged several, so its run says too little.

    Only sources of older clients, which name a path, leave nothing but the run to go by.
    """
    source = version.source or ""
    if source.startswith("models:/"):
        return source == f"models:/{model_id}"
    return bool(version.run_id == run_id)


def _loaded(
    project: Project,
    uri: str,
    name: str,
    run_id: str | None,
    model_id: str | None,
    version: str | None,
    *,
    named: bool = True,
) -> Target:
    with scratch() as place:
        folder = read_folder(project.tracking.download(uri, place))
        if folder.format != "skops" and not named:
            raise Refused(
                f"{name} is stored as {folder.format}, which can run code when it is loaded",
                field="serialization_format",
                value=folder.format,
                allowed="skops, or a version that you name because you trust it",
                next=f"rookery promote {project.task.name} "
                + (f"--version {version}" if version else f"--run {run_id}"),
            )
        ours = folder.task is not None and folder.format == "skops"
        model = load_trusted(folder) if folder.format == "skops" else load_untrusted(folder)
        fields = fields_of(require_inputs(folder, model), folder.task, folder.example)
    pinned = folder.libraries if ours else libraries()
    return Target(name, model, fields, run_id, model_id, version, ours, pinned, task=folder.task)


def register_target(project: Project, target: Target, holdout: pd.DataFrame) -> str:
    """The version to promote: the target's own, or a new one for what had to be converted."""
    if target.ours and target.version is not None:
        return target.version
    if target.ours and target.model_id is not None:
        tags = project.tracking.run(str(target.run_id)).data.tags
        kept = {key: tags[key] for key in (FAMILY, DIGEST, LAST_BATCH) if key in tags}
        return project.tracking.register(project.task.name, target.model_id, target.run_id, kept)
    return _convert(project, target, holdout)


def _convert(project: Project, target: Target, holdout: pd.DataFrame) -> str:
    """Writes the model again as we serve models, and proves that it answers the same.

    Raises:
        Refused: it holds a type that is not trusted, or its answers differ.
    """
    tracking, name = project.tracking, project.task.name
    X = inputs_for(holdout, project.task, target.columns)
    run_id = target.run_id or tracking.start_run(project.experiment, "conversion", {})
    model_id, location = tracking.create_model(project.experiment, run_id, f"{name}-served", {})
    try:
        with scratch() as place:
            write_model(
                place / "model",
                target.model,
                example=X.head(3),
                run_id=run_id,
                model_id=model_id,
                signature=infer_signature(X, target.model.predict(X)),
                location=location,
                task_text=project.task_text,
            )
            check_equal(target.model, read_folder(place / "model"), X)
            tracking.finish_model(run_id, model_id, place / "model")
    except BaseException:
        tracking.drop_model(model_id)
        if target.run_id is None:
            tracking.end(run_id, "FAILED")
        raise
    if target.run_id is None:
        tracking.end(run_id)
    origin = target.version or target.run_id or ""
    return tracking.register(name, model_id, run_id, {CONVERTED_FROM: origin})


def check_equal(model: Any, folder: ModelFolder, X: pd.DataFrame) -> None:
    """Refuses a converted model whose answers are not those of the original.

    Raises:
        Refused: naming how many rows differ.
    """
    again = load_trusted(folder)
    different = int((np.asarray(again.predict(X)) != np.asarray(model.predict(X))).sum())
    if hasattr(model, "predict_proba"):
        gap = np.abs(again.predict_proba(X) - model.predict_proba(X)).max(axis=1)
        different = max(different, int((gap > 0).sum()))
    if different:
        raise Refused(
            f"the converted model answers {different} of {len(X)} rows differently",
            field="model",
            value=different,
            allowed=0,
        )
