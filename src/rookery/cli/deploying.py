"""From an image to where it answers."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rookery import text_deploy as text
from rookery.cli.application import Json, TaskName, apart, app, show


class Target(StrEnum):
    local = "local"
    aci = "aci"


@app.command()
def deploy(
    task: TaskName = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="NAME:TAG; IMAGE_NAME if left out."),
    ] = None,
    target: Annotated[
        Target, typer.Option("--target", help="This machine's engine, or Azure.")
    ] = Target.local,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every call that would be made, and make none.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Deploy the image that served before.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            metavar="N",
            help="Of this machine; the task's own, or DEPLOY_PORT, if left out.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="The container group; deploy/aci/container-group.yaml if left out.",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=1, metavar="SECONDS", help="To come to answer.")
    ] = 120.0,
    watch: Annotated[
        float, typer.Option("--watch", min=0, metavar="SECONDS", help="It must stay for.")
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Have a model's image serve; 3 where it is refused and the one before serves again."""
    from rookery.jobs.deploy import deploy as job

    with apart():
        result = job(
            task,
            image=image,
            target=target.value,
            dry_run=dry_run,
            rollback=rollback,
            port=port,
            file=file,
            wait=wait,
            watch=watch,
        )
    show(result, as_json, text.deployed(result))
