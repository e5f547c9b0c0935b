"""A compiled predictor as JSON and arrays: nothing that can run, and nothing slow to import."""

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from rookery.serving.predictor.compiled import Compiled
from rookery.serving.predictor.encoding import Encoder, Plan, Table
from rookery.serving.predictor.interface import Array, Predictor
from rookery.serving.predictor.linear import Linear
from rookery.serving.predictor.model import Linked, Model
from rookery.serving.predictor.trees import Trees

FORMAT = 1
DOCUMENT, ARRAYS = "predictor.json", "arrays.npz"
MODELS: dict[str, Any] = {Linear.path: Linear, Trees.path: Trees}
PLAIN = (bool, int, float, str)
BROKEN = (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


def dump(predictor: Predictor) -> tuple[dict[str, Any], dict[str, Array]] | None:
    """The document and the arrays of a compiled predictor; None for one that needs its pipeline."""
    if not isinstance(predictor, Compiled):
        return None
    if not all(type(label) in PLAIN for label in predictor.classes):
        return None
    model = predictor.linked.model
    document = {
        "format": FORMAT,
        "path": model.path,
        "classes": list(predictor.classes),
        "link": predictor.linked.link,
        "options": model.options,
        "plan": predictor.encoder.plan.model_dump(mode="python"),
    }
    arrays = {f"model.{name}": array for name, array in model.arrays.items()}
    arrays |= {f"table.{place}": matrix for place, matrix in enumerate(predictor.encoder.matrices)}
    return document, arrays | {"parameters": predictor.linked.parameters}


def load(document: dict[str, Any], arrays: dict[str, Array]) -> Compiled:
    """The predictor that was dumped.

    Raises:
        ValueError: the document or an array is not what a dump gives; nothing was followed yet.
    """
    try:
        return _loaded(document, arrays)
    except BROKEN as error:
        raise ValueError(f"no converted model: {type(error).__name__}: {error}") from error


def _loaded(document: dict[str, Any], arrays: dict[str, Array]) -> Compiled:
    if document["format"] != FORMAT:
        raise ValueError(f"a converted model of format {document['format']}, not {FORMAT}")
    classes = document["classes"]
    if not isinstance(classes, list) or not all(type(label) in PLAIN for label in classes):
        raise ValueError(f"classes {classes!r:.80}")
    plan = Plan.model_validate(document["plan"])
    tables = sum(isinstance(part, Table) for part in plan.output)
    encoder = Encoder(plan, [arrays[f"table.{place}"] for place in range(tables)])
    parts = {
        name.removeprefix("model."): array
        for name, array in arrays.items()
        if name.startswith("model.")
    }
    model: Model = MODELS[document["path"]](parts, document["options"])
    return Compiled(encoder, Linked(model, document["link"], arrays["parameters"]), classes)


def write(folder: Path, predictor: Predictor) -> bool:
    """Writes a folder at once, replacing the one that is there; False if there is nothing to."""
    dumped = dump(predictor)
    if dumped is None:
        return False
    document, arrays = dumped
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    document["files"] = {ARRAYS: hashlib.sha256(packed.getvalue()).hexdigest()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (place / "new").mkdir()
        (place / "new" / ARRAYS).write_bytes(packed.getvalue())
        (place / "new" / DOCUMENT).write_text(json.dumps(document), encoding="utf-8")
        if folder.exists():
            folder.replace(place / "old")
        (place / "new").replace(folder)
    finally:
        shutil.rmtree(place)
    return True


def read(folder: Path) -> Compiled:
    """The predictor that was written.

    Raises:
        ValueError: damaged, or not ours.
        OSError: there is none that can be read.
    """
    packed = (folder / ARRAYS).read_bytes()
    try:
        document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
        if document["files"] != {ARRAYS: hashlib.sha256(packed).hexdigest()}:
            raise ValueError(f"{folder.name}/{ARRAYS} is not the file that was written")
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, EOFError, *BROKEN) as error:
        raise ValueError(f"{folder.name} is no converted model: {error}") from error
    return load(document, arrays)
