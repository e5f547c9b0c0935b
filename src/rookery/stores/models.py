"""Model folders as we write them: skops, signature, example, pinned libraries, task copy."""

import importlib.metadata
import re
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import mlflow.sklearn
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from sklearn.dummy import DummyClassifier

from rookery.core import boosters
from rookery.core.task import Task
from rookery.extras import version_of
from rookery.stores.folders import TASK_COPY, scratch
from rookery.stores.packing import pack
from rookery.stores.trust import classes_of, trusted_types

LIBRARIES = ("mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops")
# pinned by a model that holds one of theirs; one of the names is installed
BOOSTERS = {"LightGBM": ("lightgbm",), "XGBoost": ("xgboost-cpu", "xgboost")}
TO_MLFLOW: dict[str, str] = {
    "float": "double",
    "integer": "long",
    "category": "string",
    "text": "string",
    "boolean": "boolean",
    "date": "datetime",
}


@cache
def libraries() -> dict[str, str]:
    """The installed versions that a model depends on."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def task_signature(task: Task) -> ModelSignature:
    """Raw columns in, one prediction out."""
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(TO_MLFLOW[task.columns[name].type], name, required=task.columns[name].required)
        for name in task.inputs
    ]
    return ModelSignature(
        Schema(inputs), Schema([ColSpec(TO_MLFLOW[task.columns[task.target].type])])
    )


def write_template(
    folder: Path, *, signature: ModelSignature, example: pd.DataFrame, task_text: str
) -> None:
    """All of a model folder that the candidates of a sweep share, around a stand-in model.

    MLflow writes it once: the description of the format, the environment files, the example.
    """
    mlflow.sklearn.save_model(
        DummyClassifier().fit([[0.0]], [0]),
        str(folder),
        serialization_format="skops",
        signature=signature,
        input_example=example,
        pip_requirements=[f"{name}=={version}" for name, version in libraries().items()],
        skops_trusted_types=list(trusted_types()),
    )
    (folder / TASK_COPY).write_text(task_text, encoding="utf-8")


def fill_template(
    template: Path,
    folder: Path,
    data: bytes,
    *,
    run_id: str | None = None,
    model_id: str | None = None,
    location: str | None = None,
) -> None:
    """A copy of the template with the packed pipeline in its place, of a logged model or none."""
    shutil.copytree(template, folder)
    (folder / "model.skops").write_bytes(data)
    _pin(folder, booster_libraries(data))
    model = Model.load(str(folder))
    model.artifact_path, model.run_id = location, run_id
    model.model_uuid = model.model_id = model_id
    model.model_size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    model.utc_time_created = str(datetime.now(UTC).replace(tzinfo=None))
    model.save(str(folder / "MLmodel"))


def booster_libraries(data: bytes) -> dict[str, str]:
    """The versions of libraries that a packed pipeline needs besides the usual ones."""
    held = [name for name in classes_of(data) if name.startswith(f"{boosters.__name__}.")]
    names = [
        each
        for prefix, choice in BOOSTERS.items()
        if any(name.rpartition(".")[2].startswith(prefix) for name in held)
        for each in choice
    ]
    found = {name: version_of(name) for name in names}
    return {name: version for name, version in found.items() if version}


def _pin(folder: Path, versions: dict[str, str]) -> None:
    """Adds lines after the last pinned library of the template's two lists."""
    added = "".join(rf"\n\g<1>{name}=={version}" for name, version in versions.items())
    for path in (folder / "requirements.txt", folder / "conda.yaml"):
        text = path.read_text(encoding="utf-8")
        last = re.compile(rf"^([ -]*){LIBRARIES[-1]}==.*$", re.MULTILINE)
        path.write_text(last.sub(rf"\g<0>{added}", text), encoding="utf-8")


def write_model(
    folder: Path,
    pipeline: Any,
    *,
    signature: ModelSignature,
    example: pd.DataFrame,
    task_text: str,
    run_id: str,
    model_id: str,
    location: str,
) -> None:
    """Fills a folder with an MLflow model: skops, signature, example, pinned requirements, task.

    Raises:
        Refused: the pipeline holds a type that is not on our list.
    """
    data = pack(pipeline)
    with scratch() as place:
        write_template(
            place / "template", signature=signature, example=example, task_text=task_text
        )
        fill_template(
            place / "template", folder, data, run_id=run_id, model_id=model_id, location=location
        )
