"""The application that verbs are added to, and what they share."""

import contextlib
import json
import sys
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from rookery import __version__

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
Alias = Annotated[
    str | None,
    typer.Option("--alias", metavar="A", help="Its version; MODEL_ALIAS if left out."),
]
Version = Annotated[
    int | None, typer.Option("--version", min=1, metavar="N", help="This registered version.")
]
ModelsDir = Annotated[
    Path | None,
    typer.Option("--models-dir", metavar="DIR", help="The model that rookery train wrote there."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Candidates at a time; all cores if left out.")
]

TimeBudget = Annotated[
    float | None,
    typer.Option(
        "--time-budget",
        min=1,
        metavar="SECONDS",
        help="Skip candidates that would not be ready in time; never the first one.",
    ),
]


def show(result: Any, as_json: bool, shown: str) -> None:
    """The result as text, or as one JSON object."""
    if not as_json:
        typer.echo(shown)
        return
    plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
    typer.echo(json.dumps(plain, default=str, allow_nan=False))


def apart() -> contextlib.AbstractContextManager[Any]:
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
