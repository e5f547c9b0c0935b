"""A version held against something: its checks, its training, its answers, another version."""

from pathlib import Path
from typing import Annotated

import typer

from rookery import text_again as text
from rookery.cli.application import Alias, Json, ModelsDir, TaskName, Version, apart, app, show

REFUSED = NOT_EQUAL = 3
Number = Annotated[int, typer.Argument(min=1, metavar="VERSION", help="A registered version.")]


@app.command()
def verify(
    task: TaskName = None,
    version: Version = None,
    alias: Alias = None,
    models_dir: ModelsDir = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Rows to ask it with; the clean table, or with --models-dir the task's source, if "
            "left out.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the checks of the task on a model; 3 where one does not pass."""
    from rookery.jobs.verify import verify as job

    with apart():
        result = job(task, version=version, alias=alias, models_dir=models_dir, data=data)
    show(result, as_json, text.verified(result))
    if not result.passed:
        raise typer.Exit(REFUSED)


@app.command()
def reproduce(
    version: Number,
    task: TaskName = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="How far numbers may be apart.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Train a version again from its snapshot; 3 where metrics or answers differ."""
    from rookery.jobs.reproduce import reproduce as job

    with apart():
        result = job(version, task, tolerance=tolerance)
    show(result, as_json, text.reproduced(result))
    if not result.equal:
        raise typer.Exit(NOT_EQUAL)


@app.command()
def replay(
    prediction_id: Annotated[
        str, typer.Argument(metavar="PREDICTION_ID", help="The `id` of an answer of the API.")
    ],
    as_json: Json = False,
) -> None:
    """Answer an old request with the version that answered it; 3 where the answer differs."""
    from rookery.serving.replay import replay as job

    with apart():
        result = job(prediction_id)
    show(result, as_json, text.replayed(result))
    if not result.equal:
        raise typer.Exit(NOT_EQUAL)


@app.command()
def diff(
    before: Annotated[int, typer.Argument(min=1, metavar="V1", help="The earlier version.")],
    after: Annotated[int, typer.Argument(min=1, metavar="V2", help="The later version.")],
    task: TaskName = None,
    as_json: Json = False,
) -> None:
    """Show what changed between two versions: data, parameters, metrics, answers."""
    from rookery.jobs.diff import diff as job

    with apart():
        result = job(before, after, task)
    show(result, as_json, text.difference(result))
