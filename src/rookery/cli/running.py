"""Runs a command: every failure is one message and an exit code."""

import json
import sys
import traceback

import typer
from typer.exceptions import TyperException

from rookery import text
from rookery.cli.application import app
from rookery.errors import Defect, InputError, Interrupted, RookeryError, Unavailable


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
