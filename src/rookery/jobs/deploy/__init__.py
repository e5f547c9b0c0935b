"""A model's image goes to where it answers, behind a gate, or the one before stays."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from rookery.errors import InputError
from rookery.jobs.deploy import containers
from rookery.jobs.deploy.local import deploy_local
from rookery.jobs.deploy.outcome import Deployment
from rookery.settings import Settings, get_settings

__all__ = ["Deployment", "deploy"]

TASK = re.compile(r"[a-z][a-z0-9_]{0,40}")
# https://github.com/distribution/reference: a name, maybe with a tag, a digest, or an image's id
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,400}")


def deploy(
    task: str | None = None,
    *,
    image: str | None = None,
    target: Literal["local", "aci"] = "local",
    dry_run: bool = False,
    rollback: bool = False,
    port: int | None = None,
    file: Path | None = None,
    wait: float = 120.0,
    watch: float = 10.0,
) -> Deployment:
    """Has an image serve a task in place of the one that serves now.

    It must come to answer `/health` within `wait` seconds, answer the examples that it holds as its
    model did, and still be the same process `watch` seconds later; else the one before serves
    again. `rollback` deploys the image that served before the present one; `dry_run` says what
    would be called, and calls nothing.

    Raises:
        InputError: wrong usage, a setting is missing, or there is no such image or group.
        Refused: the gate said no; the message says what serves now. Unavailable: the engine, the
            registry or Azure failed.
    """
    _require_fitting({"--image": image} if rollback else {}, "--rollback")
    _require_fitting(
        {"--port": port} if target == "aci" else {"--file": file}, f"--target {target}"
    )
    settings = get_settings()
    name = _task(task or settings.model_name or settings.rookery_task)
    wanted = None if rollback else _image(image, settings)
    if target == "local":
        if dry_run:
            return containers.planned(name, wanted, port or settings.deploy_port)
        return deploy_local(settings, name, wanted, port=port, wait=wait, watch=watch)
    if dry_run:
        from rookery.jobs.deploy.dry_run import planned

        return planned(settings, name, wanted, file)
    from rookery.jobs.deploy.aci import deploy_aci

    return deploy_aci(settings, name, wanted, file=file, wait=wait, watch=watch)


def _require_fitting(others: Mapping[str, object], with_this: str) -> None:
    """No option that would be without effect."""
    for option, given in others.items():
        if given is not None:
            raise InputError(f"{option} does not go with {with_this}", field=option, value=given)


def _task(name: str) -> str:
    if TASK.fullmatch(name):
        return name
    raise InputError(
        f"{name!r} is no name of a task",
        field="TASK",
        value=name,
        allowed="a lowercase letter, then lowercase letters, digits and underscores",
    )


def _image(given: str | None, settings: Settings) -> str:
    wanted = given or settings.image_name
    if not wanted:
        raise InputError(
            "no image is named",
            field="--image",
            allowed="--image NAME:TAG, IMAGE_NAME, or --rollback",
            next="rookery package --tag NAME:TAG makes one",
        )
    if not IMAGE.fullmatch(wanted):
        raise InputError(
            f"{wanted!r} is no name of an image",
            field="--image" if given else "IMAGE_NAME",
            value=wanted,
            allowed="registry/name:tag",
        )
    return wanted
