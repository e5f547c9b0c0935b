"""Model folders as we write them: skops, signature, example, pinned libraries, task copy."""

import importlib.metadata
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import mlflow.sklearn
import pandas as pd
import skops.io
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from rookery.core.task import Task
from rookery.errors import Refused
from rookery.stores.folders import TASK_COPY
from rookery.stores.trust import trusted_types, untrusted, untrusted_error

LIBRARIES = ("mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops")
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
    try:
        mlflow.sklearn.save_model(
            pipeline,
            str(folder),
            mlflow_model=Model(
                artifact_path=location, run_id=run_id, model_uuid=model_id, model_id=model_id
            ),
            serialization_format="skops",
            signature=signature,
            input_example=example,
            pip_requirements=[f"{name}=={version}" for name, version in libraries().items()],
            skops_trusted_types=list(trusted_types()),
        )
    except MlflowException as error:
        raise _not_storable(pipeline, error) from error
    _deflate(folder / "model.skops")
    (folder / TASK_COPY).write_text(task_text, encoding="utf-8")


def _not_storable(pipeline: Any, cause: Exception) -> Refused:
    """Why skops would not store a pipeline, by the names of its types where they are the cause."""
    try:
        strangers = untrusted(skops.io.dumps(pipeline))
    except Exception as error:  # skops raises whatever pickling a part would
        return Refused(
            f"the model cannot be stored as skops: {type(error).__name__}: {error}",
            field="model",
            allowed="estimators and functions of an importable module",
        )
    return untrusted_error(strangers) if strangers else Refused(str(cause), field="model")


def _deflate(path: Path) -> None:
    """MLflow stores skops files uncompressed: 6 to 10 times larger."""
    small = path.with_suffix(".small")
    with (
        zipfile.ZipFile(path) as stored,
        zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as deflated,
    ):
        for item in stored.infolist():
            deflated.writestr(item.filename, stored.read(item))
    small.replace(path)
