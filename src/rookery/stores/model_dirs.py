"""A folder that a trained model is left in, beside its metrics and its run's id."""

import json
import tempfile
from pathlib import Path
from typing import Any

from rookery.errors import InputError
from rookery.stores.models import fill_template

MODEL, METRICS, RUN_ID = "model", "metrics.json", "run_id.txt"


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
    folder: Path, template: Path, data: bytes, metrics: dict[str, Any], run_id: str | None
) -> list[Path]:
    """Replaces `model/` (MLflow's format), `metrics.json` and, of a logged run, `run_id.txt`."""
    with tempfile.TemporaryDirectory(prefix=".rookery-", dir=folder) as place:
        fill_template(template, Path(place) / "new", data, run_id=run_id)
        if (folder / MODEL).exists():
            (folder / MODEL).rename(Path(place) / "old")
        (Path(place) / "new").rename(folder / MODEL)
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (folder / RUN_ID).unlink(missing_ok=True)  # of a training before this one
    if run_id is None:
        return [folder / MODEL, folder / METRICS]
    (folder / RUN_ID).write_text(f"{run_id}\n", encoding="utf-8")
    return [folder / MODEL, folder / METRICS, folder / RUN_ID]
