"""The image of a model: its names, and what its labels say."""

import re
from collections.abc import Sequence
from datetime import datetime

from rookery.core.served import Description
from rookery.errors import InputError

# https://github.com/distribution/reference/blob/main/reference.go
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]{{1,5}})?"
TAG = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?")
MOST_CHARACTERS = 255
OCI, OURS = "org.opencontainers.image", "rookery"


def check_tags(tags: Sequence[str]) -> list[str]:
    """The tags, each once.

    Raises:
        InputError: there is none, or one is no name of an image.
    """
    for tag in tags:
        if len(tag) > MOST_CHARACTERS or not TAG.fullmatch(tag):
            raise InputError(
                f"--tag {tag!r} is no name of an image",
                field="--tag",
                value=tag,
                allowed="[registry/]name[:tag] in small letters, such as penguins:3 or "
                "registry.example.org/team/penguins:3; the part after the colon may have capitals",
            )
    if not tags:
        raise InputError(
            "an image needs a name",
            field="--tag",
            allowed="--tag NAME:TAG, once or more",
            next="rookery package --tag penguins:1",
        )
    return list(dict.fromkeys(tags))


def labels_of(
    model: Description,
    *,
    alias: str | None,
    path: str,
    created: datetime,
    source_commit: str | None,
    source_is_dirty: bool,
) -> dict[str, str]:
    """The labels of a model's image.

    OCI's own say when it was made, from which sources; ours where the model came from
    (https://github.com/opencontainers/image-spec/blob/main/annotations.md).
    """
    lineage = model.lineage
    libraries = " ".join(f"{name}=={version}" for name, version in lineage.libraries.items())
    found = {
        f"{OCI}.title": model.name,
        f"{OCI}.description": f"{model.title}: version {model.version}, behind Rookery's API",
        f"{OCI}.version": model.version,
        f"{OCI}.created": created.isoformat(timespec="seconds"),
        f"{OCI}.revision": source_commit,
        f"{OURS}.task": model.name,
        f"{OURS}.version": model.version,
        f"{OURS}.alias": alias,
        f"{OURS}.run": lineage.run_id,
        f"{OURS}.digest": lineage.digest,
        f"{OURS}.commit": lineage.commit,
        f"{OURS}.family": lineage.family,
        f"{OURS}.model": f"sha256:{model.model_digest}",
        f"{OURS}.path": path,
        f"{OURS}.libraries": libraries,
        f"{OURS}.source.dirty": "true" if source_is_dirty else None,
    }
    return {name: value for name, value in found.items() if value}
