"""The command line: one verb a job."""

import contextlib
import json
import sys
import traceback
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from rookery import __version__
from rookery import report as text
from rookery.errors import Defect, InputError, Interrupted, RookeryError, Unavailable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="From a table to a served, monitored model on one machine in minutes.",
)

TaskName = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASK]", show_default=False, help="The task; ROOKERY_TASK if left out."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Candidates at a time; all cores if left out.")
]


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and ends with its exit code."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: list[str]) -> int:
    """Runs one command; every failure is one message and an exit code."""
    debug, as_json = "--debug" in arguments, "--json" in arguments
    given = [argument for argument in arguments if argument != "--debug"]
    try:
        code = typer.main.get_command(app).main(
            args=given, prog_name="rookery", standalone_mode=False
        )
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _failed(Interrupted("interrupted", next="the same command goes on"), as_json)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "rookery"
        wrong = InputError(error.format_message(), field="usage", next=f"{command} --help")
        return _failed(wrong, as_json)
    except RookeryError as error:
        if debug:
            traceback.print_exc()
        return _failed(error, as_json)
    except OSError as error:
        if debug:
            traceback.print_exc()
        place = f": {error.filename}" if error.filename else ""
        away = Unavailable(
            f"{error.strerror or type(error).__name__}{place}",
            field="ROOKERY_HOME",
            value=str(error.filename) if error.filename else None,
            allowed="places that can be read and written",
            next="rookery doctor",
        )
        return _failed(away, as_json)
    except Exception as error:  # the last line of defence: ours, whatever it is
        if debug:
            traceback.print_exc()
        return _failed(_unforeseen(error, given), as_json)
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception, arguments: list[str]) -> RookeryError:
    """A defect; or a library that is not here, because its extra is not installed."""
    if isinstance(error, ModuleNotFoundError):
        from rookery.extras import extra_missing

        missing = extra_missing(error, " ".join(["rookery", *arguments[:1]]))
        if missing is not None:
            return missing
    return Defect(
        f"a defect of Rookery: {type(error).__name__}: {error}",
        next="the same command with --debug shows where",
    )


def _failed(error: RookeryError, as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps({"error": error.as_dict()}, default=str))
    else:
        typer.echo(text.failure(error), err=True)
    return error.exit_code


def _show(result: Any, as_json: bool, shown: str) -> None:
    if not as_json:
        typer.echo(shown)
        return
    plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
    typer.echo(json.dumps(plain, default=str, allow_nan=False))


def _apart() -> contextlib.AbstractContextManager[Any]:
    """Standard output is for the result: what libraries print goes to standard error."""
    return contextlib.redirect_stdout(sys.stderr)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    del debug  # read before parsing, so that it may stand anywhere
    if version:
        typer.echo(f"rookery {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


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

    with _apart():
        result = job(task, source=source)
    _show(result, as_json, text.ingested(result))


@app.command()
def clean(task: TaskName = None, as_json: Json = False) -> None:
    """From the raw table to clean and refused rows."""
    from rookery.jobs.clean import clean as job

    with _apart():
        result = job(task)
    _show(result, as_json, text.cleaned(result))


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
    as_json: Json = False,
) -> None:
    """Fit and score every candidate; the best becomes a version."""
    from rookery.jobs.sweep import sweep as job

    with _apart():
        result = job(task, jobs=jobs, cross_validate=cross_validate)
    _show(result, as_json, text.swept(result))


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

    with _apart():
        result = job(task, version=version, run=run)
    _show(result, as_json, text.promoted(result))


@app.command()
def rollback(task: TaskName = None, as_json: Json = False) -> None:
    """Give the serving alias back to the version that had it before."""
    from rookery.jobs.promote import rollback as job

    with _apart():
        result = job(task)
    _show(result, as_json, text.promoted(result))


@app.command()
def run(task: TaskName = None, jobs: Jobs = None, as_json: Json = False) -> None:
    """ingest, clean, sweep and promote, in order."""
    from rookery.jobs.run import run as job

    with _apart():
        result = job(task, jobs=jobs)
    _show(result, as_json, text.ran(result))


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
    with _apart():
        result = predict_file(csv, out, task) if csv else predict_row(str(row), task)
    _show(result, as_json, text.predicted(result))


@app.command()
def status(task: TaskName = None, as_json: Json = False) -> None:
    """Where a task stands: tables, sweep, versions, ledger."""
    from rookery.jobs.status import status as job

    with _apart():
        result = job(task)
    _show(result, as_json, text.standing(result))


@app.command()
def tasks(as_json: Json = False) -> None:
    """The task files there are, and the mistakes in them."""
    from rookery.jobs.tasks import tasks as job

    found = job()
    _show({"tasks": found}, as_json, text.task_list(found))
    wrong = next((item for item in found if item["error"]), None)
    if wrong:
        raise typer.Exit(2)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look for what is wrong here, and say how to mend it."""
    from rookery.stack.doctor import doctor as job

    with _apart():
        found = job()
    _show({"findings": [asdict(finding) for finding in found]}, as_json, text.findings(found))
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

    with _apart():
        result = job(days)
    _show(result, as_json, text.pruned(result))


@app.command()
def serve() -> None:
    """Serve the promoted model over HTTP until Ctrl-C."""
    from rookery.serving.server import run as job
    from rookery.settings import get_settings

    job(get_settings())


if __name__ == "__main__":
    main()
