"""A model as an image."""

from pathlib import Path
from typing import Annotated

import typer

from rookery import text_package as text
from rookery.cli.application import Alias, Json, ModelsDir, TaskName, Version, apart, app, show
from rookery.errors import InputError


@app.command()
def package(
    task: TaskName = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="A name of the image; may come again."),
    ] = None,
    alias: Alias = None,
    version: Version = None,
    models_dir: ModelsDir = None,
    sbom: Annotated[
        Path | None,
        typer.Option(
            "--sbom",
            metavar="FILE",
            help="Where the list of its packages goes; packages/ below ROOKERY_HOME if left out.",
        ),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="IMAGE", help="Start an image and compare its answers."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the image of a model, or check one; 3 where an image answers otherwise."""
    if check is None:
        _build(task, tag or [], alias, version, models_dir, sbom, as_json)
        return
    if any((task, tag, alias, version, models_dir, sbom)):
        raise InputError(
            "--check takes an image and nothing else",
            field="--check",
            value=check,
            allowed="rookery package --check IMAGE",
        )
    from rookery.jobs.image_check import check_image

    with apart():
        result = check_image(check)
    show(result, as_json, text.image_checked(result))


def _build(
    task: str | None,
    tags: list[str],
    alias: str | None,
    version: int | None,
    models_dir: Path | None,
    sbom: Path | None,
    as_json: bool,
) -> None:
    from rookery.serving.package import package as job

    with apart():
        result = job(
            task, tags=tags, alias=alias, version=version, models_dir=models_dir, sbom=sbom
        )
    show(result, as_json, text.packaged(result))
