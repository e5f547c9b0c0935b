"""Asking, serving and looking after what is there."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rookery import text
from rookery.cli.application import Json, TaskName, apart, app, show
from rookery.errors import InputError


@app.command()
def predict(
    task: TaskName = None,
    row: Annotated[
        str | None, typer.Option("--row", metavar="JSON", help="One record, a JSON object.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Records, one a line.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Where the answers to --csv go; else they are shown."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the promoted model; no server is needed."""
    from rookery.jobs.predict import predict_file, predict_row

    if (row is None) == (csv is None):
        raise InputError(
            "give either --row or --csv",
            field="--row",
            allowed="--row '{…}' or --csv FILE",
            next="rookery predict --help",
        )
    with apart():
        result = predict_file(csv, out, task) if csv else predict_row(str(row), task)
    show(result, as_json, text.predicted(result))


@app.command()
def status(task: TaskName = None, as_json: Json = False) -> None:
    """Where a task stands: tables, sweep, versions, ledger."""
    from rookery.jobs.status import status as job

    with apart():
        result = job(task)
    show(result, as_json, text.standing(result))


@app.command()
def report(
    task: TaskName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the page goes; reports/TASK.html below ROOKERY_HOME if left out.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=36_500, help="How far back live answers count.")
    ] = 30,
    as_json: Json = False,
) -> None:
    """Write one page on a task: rows, rejects, leaderboard, champion, drift, live answers."""
    from rookery.jobs.report import report as job

    with apart():
        result = job(task, out=out, days=days)
    show(result, as_json, text.reported(result))


@app.command()
def tasks(as_json: Json = False) -> None:
    """The task files there are, and the mistakes in them."""
    from rookery.jobs.tasks import tasks as job

    found = job()
    show({"tasks": found}, as_json, text.task_list(found))
    wrong = next((item for item in found if item["error"]), None)
    if wrong:
        raise typer.Exit(2)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look for what is wrong here, and say how to mend it."""
    from rookery.stack.doctor import doctor as job

    with apart():
        found = job()
    show({"findings": [asdict(finding) for finding in found]}, as_json, text.findings(found))
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)


@app.command()
def prune(
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="PREDICTION_LOG_DAYS if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete logged predictions that are older than they may be."""
    from rookery.jobs.retention import prune as job

    with apart():
        result = job(days)
    show(result, as_json, text.pruned(result))


@app.command()
def serve() -> None:
    """Serve the promoted model over HTTP until Ctrl-C."""
    from rookery.serving.server import run as job
    from rookery.settings import get_settings

    job(get_settings())
