"""A folder that a trained model is left in, beside its metrics and its run's id."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rookery.core.server_address import without_login
from rookery.errors import InputError
from rookery.stores.models import fill_template

MODEL, METRICS, RUN_ID, SERVER = "model", "metrics.json", "run_id.txt", "tracking_uri.txt"


@dataclass(frozen=True)
class ModelDir:
    """What a training left: MLflow's folder of the model, what it reached, and its run."""

    model: Path
    said: dict[str, Any]
    run_id: str | None


def read_model_dir(folder: Path) -> ModelDir:
    """What `write_model_dir` wrote; a folder without metrics has a model alone.

    Raises:
        InputError: it has no model, or its metrics cannot be read.
    """
    if not (folder / MODEL / "MLmodel").is_file():
        raise InputError(
            f"--models-dir {folder} has no {MODEL}/ with a model in it",
            field="--models-dir",
            value=str(folder),
            allowed="the folder that rookery train wrote",
            next=f"rookery train --models-dir {folder}",
        )
    run_id = folder / RUN_ID
    return ModelDir(
        model=folder / MODEL,
        said=_metrics(folder / METRICS),
        run_id=run_id.read_text(encoding="utf-8").strip() or None if run_id.exists() else None,
    )


def _metrics(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")  # noqa: TRY301, TRY004
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            field="--models-dir",
            value=str(path),
            allowed="the file that rookery train wrote",
        ) from None
    return found


def writable(folder: Path, option: str) -> Path:
    """The folder, made where it is not there.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise InputError(
            f"{option} {folder} cannot be written: {error.strerror}",
            field=option,
            value=str(folder),
            allowed="a folder that can be made and written",
        ) from None


def write_model_dir(
    folder: Path,
    template: Path,
    data: bytes,
    metrics: dict[str, Any],
    logged: tuple[str, str] | None,
) -> list[Path]:
    """Replaces `model/` (MLflow's format) and `metrics.json`, and what says where a run is.

    `logged` is the run's id and its server's address: `run_id.txt` and `tracking_uri.txt`.
    """
    run_id, uri = logged or (None, None)
    with tempfile.TemporaryDirectory(prefix=".rookery-", dir=folder) as place:
        fill_template(template, Path(place) / "new", data, run_id=run_id)
        if (folder / MODEL).exists():
            (folder / MODEL).rename(Path(place) / "old")
        (Path(place) / "new").rename(folder / MODEL)
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    for name in (RUN_ID, SERVER):
        (folder / name).unlink(missing_ok=True)  # of a training before this one
    if run_id is None or uri is None:
        return [folder / MODEL, folder / METRICS]
    (folder / RUN_ID).write_text(f"{run_id}\n", encoding="utf-8")
    (folder / SERVER).write_text(f"{without_login(uri)}\n", encoding="utf-8")
    return [folder / name for name in (MODEL, METRICS, RUN_ID, SERVER)]


def server_of(folder: Path, run_id: str) -> str | None:
    """The server that a run was logged at, if the folder is that run's and says so."""
    try:
        found, uri = ((folder / name).read_text("utf-8").strip() for name in (RUN_ID, SERVER))
    except (OSError, UnicodeDecodeError):
        return None
    return uri if found == run_id else None
