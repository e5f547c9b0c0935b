"""Model folders as they are found: what they say of themselves, and loading them."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow.sklearn
from mlflow.models import Model, ModelSignature

from rookery.core.records import FieldType
from rookery.core.task import Task
from rookery.core.taskfile import parse_task
from rookery.errors import InputError, Refused, Unavailable
from rookery.stores.packing import unpack
from rookery.stores.trust import MOST_BYTES

TASK_COPY = "task.yaml"
MOST_TEXT_BYTES = 16 * 2**20
FROM_MLFLOW: dict[str, FieldType] = {
    "double": "float",
    "float": "float",
    "long": "integer",
    "integer": "integer",
    "string": "text",
    "boolean": "boolean",
    "datetime": "date",
}


@dataclass(frozen=True)
class ModelFolder:
    """What a logged model holds, before anything in it is unpacked.

    `examples` are the rows of its input example, `file` the name of what holds the model.
    """

    path: Path
    inputs: tuple[tuple[str, FieldType, bool], ...]
    examples: tuple[dict[str, Any], ...]
    task: Task | None
    libraries: dict[str, str]
    format: str
    file: str

    @property
    def example(self) -> dict[str, Any]:
        """The example with the fewest gaps; empty where there is none."""
        return min(self.examples, key=_gaps, default={})


def read_folder(path: Path) -> ModelFolder:
    """Reads what a model folder says of itself.

    Raises:
        Refused: it is not a scikit-learn model, or does not say which columns it takes.
    """
    model = _described(path)
    try:
        return _read(model, path)
    except (Refused, Unavailable):
        raise
    except Exception as error:  # whatever can be wrong with what somebody else wrote
        raise Refused(
            f"the model folder cannot be read: {type(error).__name__}: {str(error)[:300]}",
            field="model",
            value=path.name,
        ) from error


def _described(path: Path) -> Model:
    """What the MLmodel file says.

    Raises:
        Refused: there is none that can be read.
    """
    _inside(path, "MLmodel")
    try:
        return Model.load(str(path))
    except Exception as error:  # MLflow raises whatever its parsers do
        raise Refused(
            f"the model at {path.name} has no readable MLmodel file: {error}", field="model"
        ) from error


def _read(model: Model, path: Path) -> ModelFolder:
    flavor = model.flavors.get("sklearn")
    if flavor is None:
        raise Refused(
            f"this is a model of {', '.join(model.flavors) or 'no flavor'}, not of scikit-learn",
            field="flavor",
            value=", ".join(model.flavors),
            allowed="sklearn",
        )
    copy = _text(path, TASK_COPY)
    return ModelFolder(
        path=path,
        inputs=_inputs(model.signature),
        examples=_examples(model, path),
        task=None if copy is None else _task_of(copy),
        libraries=_requirements(path),
        format=str(flavor.get("serialization_format")),
        file=str(flavor.get("pickled_model") or ""),
    )


@lru_cache(maxsize=16)
def _task_of(copy: str) -> Task:
    """Versions of a task mostly hold the same copy, which is a third of the reading of one."""
    return parse_task(copy, TASK_COPY)


def load_trusted(folder: ModelFolder) -> Any:
    """The fitted pipeline, under the trust rule of `unpack`.

    Raises:
        Refused: another format than skops, or a type that is not allowed, by name.
    """
    if folder.format != "skops":
        raise Refused(
            f"the model is stored as {folder.format}, which can run code when it is loaded",
            field="serialization_format",
            value=folder.format,
            allowed="skops",
            next="rookery promote --version N converts it where it was trained",
        )
    return unpack(model_bytes(folder), folder.path.name)


def model_bytes(folder: ModelFolder) -> bytes:
    """The file that holds the model, as the folder's MLmodel names it.

    Raises:
        Refused: there is none that can be read.
    """
    try:
        return _inside(folder.path, folder.file, "pickled_model", MOST_BYTES).read_bytes()
    except Refused:
        raise
    except Exception as error:  # whatever can be wrong with what somebody else wrote
        raise Refused(
            f"the model file cannot be read: {type(error).__name__}: {error}",
            field="model",
            value=folder.path.name,
        ) from error


def model_digest(folder: ModelFolder) -> str:
    """SHA-256 of the file that holds the model."""
    return hashlib.sha256(model_bytes(folder)).hexdigest()


def load_untrusted(folder: ModelFolder) -> Any:
    """Loads a model in whatever format it has, with the rights of the one who runs this.

    Only for promotion, on the side that trained it; the API never calls it.

    Raises:
        Refused: it cannot be loaded here.
    """
    try:
        return mlflow.sklearn.load_model(str(folder.path))
    except Exception as error:  # unpickling raises whatever the pickled classes do
        raise Refused(
            f"the model cannot be loaded here: {type(error).__name__}: {str(error)[:300]}",
            field="model",
            value=folder.format,
            next="promote it from where its classes can be imported",
        ) from error


def require_inputs(folder: ModelFolder, model: Any) -> tuple[tuple[str, FieldType, bool], ...]:
    """The columns a model takes: its signature, or the names it was fitted with.

    Raises:
        InputError: it has neither.
    """
    if folder.inputs:
        return folder.inputs
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        raise InputError(
            "the model does not say which columns it takes",
            field="signature",
            allowed="a signature, or an estimator that was fitted on a DataFrame",
            next="log it again: mlflow.sklearn.log_model(model, name=…, input_example=X.head())",
        )
    return tuple((str(name), "float", True) for name in names)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the time of a with-block."""
    with tempfile.TemporaryDirectory(prefix="rookery-") as folder:
        yield Path(folder)


def _inside(path: Path, name: str, field: str = "model", most: int = MOST_TEXT_BYTES) -> Path:
    """A file of the folder, by the name that the folder itself gives it.

    Raises:
        Refused: it lies elsewhere, is not a file, or has more than `most` bytes.
    """
    named = (path / name).resolve()
    if path.resolve() not in named.parents:
        fault = "the model names no file, or one outside its folder"
    elif not named.is_file():
        fault = f"the model has no readable {named.name} file"
    elif named.stat().st_size > most:
        fault = f"the model's {named.name} has more than {most} bytes"
    else:
        return named
    raise Refused(fault, field=field, value=named.name, allowed="a file of the model's own folder")


def _text(path: Path, name: str) -> str | None:
    """The text of a file that a model may have."""
    return _inside(path, name).read_text(encoding="utf-8") if (path / name).exists() else None


def _inputs(signature: ModelSignature | None) -> tuple[tuple[str, FieldType, bool], ...]:
    if signature is None or signature.inputs is None or not signature.inputs.has_input_names():
        return ()
    found = []
    for column in signature.inputs.inputs:
        kind = FROM_MLFLOW.get(getattr(column.type, "name", ""))
        if kind is None:
            raise Refused(
                f"the signature has a type that cannot be served: {column.name}: {column.type}",
                field=str(column.name),
                value=str(column.type),
                allowed=", ".join(FROM_MLFLOW),
            )
        found.append((str(column.name), kind, bool(column.required)))
    return tuple(found)


def _examples(model: Model, path: Path) -> tuple[dict[str, Any], ...]:
    """The rows of the input example; none where there is no example."""
    if not model.saved_input_example_info:
        return ()
    name = model.saved_input_example_info.get("artifact_path", "input_example.json")
    try:
        stored = json.loads(_inside(path, name, "input_example").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(
            f"the model's input example cannot be read: {error}", field="input_example", value=name
        ) from error
    if not (isinstance(stored, dict) and stored.get("columns") and stored.get("data")):
        return ()
    return tuple(dict(zip(stored["columns"], row, strict=True)) for row in stored["data"])


def _gaps(row: dict[str, Any]) -> int:
    return sum(value in (None, "NaT") or value != value for value in row.values())


def _requirements(path: Path) -> dict[str, str]:
    lines = (_text(path, "requirements.txt") or "").splitlines()
    pinned = (line.partition("==") for line in lines)
    return {name: version for name, mark, version in pinned if mark}
