"""From a table to a promoted model: one verb a job."""

from typing import Annotated

import typer

from rookery import text
from rookery.cli.application import Jobs, Json, TaskName, TimeBudget, apart, app, show


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The task's name.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="A .csv or .parquet file, or DATABASE-ADDRESS#TABLE.",
        ),
    ],
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="The column to predict.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a task file of that name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at a table and write its task file, with a comment on every choice."""
    from rookery.jobs.new import new as job

    with apart():
        result = job(name, source, target, force=force)
    show(result, as_json, text.drafted(result))


@app.command()
def ingest(
    task: TaskName = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="A .csv or .parquet file, package:NAME or DATABASE-ADDRESS#TABLE.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """From the source to the raw table."""
    from rookery.jobs.ingest import ingest as job

    with apart():
        result = job(task, source=source)
    show(result, as_json, text.ingested(result))


@app.command()
def clean(task: TaskName = None, as_json: Json = False) -> None:
    """From the raw table to clean and refused rows."""
    from rookery.jobs.clean import clean as job

    with apart():
        result = job(task)
    show(result, as_json, text.cleaned(result))


@app.command()
def sweep(
    task: TaskName = None,
    jobs: Jobs = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate/--no-cross-validate",
            help="Without it, candidates are ranked by the hold-out.",
        ),
    ] = True,
    time_budget: TimeBudget = None,
    as_json: Json = False,
) -> None:
    """Fit and score every candidate; the best becomes a version."""
    from rookery.jobs.sweep import sweep as job

    with apart():
        result = job(task, jobs=jobs, cross_validate=cross_validate, time_budget=time_budget)
    show(result, as_json, text.swept(result))


@app.command()
def promote(
    task: TaskName = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="This registered version.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN_ID", help="The model that this run logged.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give the serving alias to the best of the last sweep, a version, or a run's model."""
    from rookery.jobs.promote import promote as job

    with apart():
        result = job(task, version=version, run=run)
    show(result, as_json, text.promoted(result))


@app.command()
def rollback(task: TaskName = None, as_json: Json = False) -> None:
    """Give the serving alias back to the version that had it before."""
    from rookery.jobs.promote import rollback as job

    with apart():
        result = job(task)
    show(result, as_json, text.promoted(result))


@app.command()
def run(
    task: TaskName = None,
    jobs: Jobs = None,
    all_batches: Annotated[
        bool, typer.Option("--all", help="Go on until the source has no further batch.")
    ] = False,
    time_budget: TimeBudget = None,
    as_json: Json = False,
) -> None:
    """ingest, clean, sweep and promote, in order; of batches the next one, if it calls for it."""
    from rookery.jobs.run import run as job

    with apart():
        result = job(task, jobs=jobs, all_batches=all_batches, time_budget=time_budget)
    show(result, as_json, text.ran(result))
