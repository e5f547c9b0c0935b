"""A model as an image of its own, which needs nothing else to answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rookery.core.image import check_tags, labels_of
from rookery.core.served import Description
from rookery.core.tags import COMMIT, DIRTY
from rookery.errors import InputError
from rookery.jobs.image_check import check_image
from rookery.serving.chosen import Chosen, choose
from rookery.settings import get_settings, project_root
from rookery.stores import engine
from rookery.stores.commits import commit_of
from rookery.stores.folders import scratch
from rookery.stores.image_context import DOCKERFILE, MODEL, require_sources, write_context
from rookery.stores.serving_versions import require_serving_versions

# of the lock for pipelines; a model that holds one of theirs pins it
BOOSTERS = ("lightgbm", "xgboost-cpu")


@dataclass(frozen=True)
class Package:
    """An image that was built, started, and gave the answers that its model gives.

    `path` is how it answers; `sbom` is the file that lists the Python packages in it.
    """

    task: str
    version: str
    alias: str | None
    run_id: str | None
    path: str
    why_not_compiled: str | None
    tags: list[str]
    id: str
    size_bytes: int
    seconds_to_first_answer: float
    examples: int
    sbom: str
    labels: dict[str, str]


def package(
    task: str | None = None,
    *,
    tags: str | Sequence[str],
    alias: str | None = None,
    version: int | None = None,
    models_dir: str | Path | None = None,
    sbom: str | Path | None = None,
) -> Package:
    """Builds the image of one model, checks it as `check_image` does, and then gives it its tags.

    The model is the version with `alias` (`MODEL_ALIAS` if nothing is named), the `version` of
    that number, or the one that `rookery train` left in `models_dir`. Without `sbom`, that file is
    `packages/<task>-<version>.cdx.json` below ROOKERY_HOME.

    Raises:
        InputError: a name is wrong, there is no such model, it has no input example to be checked
            with, or this is no clone of the project. Refused: the trust rule said no, its
            libraries are not those of the image, or the image answers otherwise than the model.
            Unavailable: the engine failed, or the image does not come up.
    """
    named = check_tags([tags] if isinstance(tags, str) else tags)
    require_sources(project_root())
    engine.require()
    place_of_model = Path(models_dir).expanduser() if models_dir is not None else None
    with scratch() as place:
        fetched = place / "fetched"
        fetched.mkdir()
        chosen = choose(task, fetched, alias=alias, version=version, models_dir=place_of_model)
        one = chosen.description
        require_serving_versions(f"version {one.version} of {one.name}", one.lineage.libraries)
        file = _sbom_file(one, sbom)
        labels = _write_context(chosen, place / "context")
        kind = _kind(chosen)
        built = engine.build(
            place / "context", DOCKERFILE, target="image", arguments=kind, labels=labels
        )
        checked = check_image(built)
        _write_sbom(file, one, place, kind)
    for tag in named:
        engine.tag(built, tag)
    return Package(
        task=one.name,
        version=one.version,
        alias=chosen.alias,
        run_id=one.lineage.run_id,
        path=chosen.predictor.path,
        why_not_compiled=chosen.predictor.why or None,
        tags=named,
        id=built,
        size_bytes=checked.size_bytes,
        seconds_to_first_answer=checked.seconds_to_first_answer,
        examples=checked.examples,
        sbom=str(file),
        labels=labels,
    )


def _kind(chosen: Chosen) -> dict[str, str]:
    """What the image installs: the arguments of its Dockerfile."""
    if chosen.is_converted:
        return {"KIND": "converted"}
    needed = chosen.description.lineage.libraries
    return {
        "KIND": "pipeline",
        "LEFT_OUT": " ".join(each for each in BOOSTERS if each not in needed),
    }


def _write_context(chosen: Chosen, context: Path) -> dict[str, str]:
    """Fills the folder that the image is built from; the labels of the image."""
    commit = commit_of(project_root())
    chosen.write(context / MODEL)
    write_context(project_root(), context, commit.get(COMMIT))
    return labels_of(
        chosen.description,
        alias=chosen.alias,
        path=chosen.predictor.path,
        created=datetime.now(UTC),
        source_commit=commit.get(COMMIT),
        source_is_dirty=commit.get(DIRTY) == "True",
    )


def _sbom_file(one: Description, given: str | Path | None) -> Path:
    """Where the list goes; whether it can is known before minutes of building."""
    if given is None:
        file = get_settings().home / "packages" / f"{one.name}-{one.version}.cdx.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file
    file = Path(given).expanduser().absolute()
    if file.is_dir() or not file.parent.is_dir():
        raise InputError(
            f"--sbom {given} cannot be written",
            field="--sbom",
            value=str(given),
            allowed="a file in a folder that exists",
        )
    return file


def _write_sbom(file: Path, one: Description, place: Path, kind: dict[str, str]) -> None:
    """The software bill of materials: the Python packages in the image (CycloneDX)."""
    engine.build(
        place / "context", DOCKERFILE, target="sbom", arguments=kind, output=place / "sbom"
    )
    found: dict[str, Any] = json.loads((place / "sbom" / "sbom.json").read_text(encoding="utf-8"))
    found["metadata"]["component"] = {
        "type": "container",
        "bom-ref": "image",
        "name": one.name,
        "version": one.version,
    }
    file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
