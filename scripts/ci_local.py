"""Rehearses the workflows of .github/workflows on this machine: `make ci-local`.

Every `run:` step runs as it stands there, in the order of the jobs, in a clean clone of the last
commit. Around them are a registry, an emulator of Azure's store and an MLflow server of its own.
The last line says whether the rehearsal passed.
"""

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rehearsal.expressions import NotRehearsed
from rehearsal.places import check_tools, open_places
from rehearsal.repository import Repository, uncommitted
from rehearsal.scenario import ACTS, Failed, Rehearsal, remove_what_was_made

from rookery import text
from rookery.errors import RookeryError

ROOT = Path(__file__).parents[1]


def main() -> int:
    """0 if all that was rehearsed did what it must; 1 if not, 2 if a tool is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "acts", nargs="*", metavar="ACT", help=f"{', '.join(ACTS)}; all if left out"
    )
    given = parser.parse_args()
    if unknown := sorted(set(given.acts) - set(ACTS)):
        parser.error(f"there is no act {unknown[0]}; there are {', '.join(ACTS)}")
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    began = time.monotonic()
    try:
        said = rehearse([name for name in ACTS if name in (given.acts or ACTS)])
    except (Failed, NotRehearsed) as error:
        print(f"\nThe rehearsal FAILED: {error}", flush=True)
        return 1
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        print(f"\nThe rehearsal FAILED: {error.message.splitlines()[0]}", flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nThe rehearsal was interrupted", flush=True)
        return 130
    print(f"\nThe rehearsal passed: {said}, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    return 0


def rehearse(acts: list[str]) -> str:
    """What was rehearsed, in words.

    Raises:
        Failed: something did not happen as it must. NotRehearsed: a workflow file uses what is not
            imitated. InputError: a tool is missing. Unavailable: a server did not come up.
    """
    check_tools()
    for line in uncommitted(ROOT):
        print(f"not committed, so not rehearsed: {line}")
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="rookery-rehearsal-")))
        places = open_places(folder / "places", ends)
        ends.callback(remove_what_was_made, places.registry)
        repository = Repository.of(ROOT, folder)
        rehearsal = Rehearsal(folder, repository, places, _say)
        for act in acts:
            getattr(rehearsal, act)()
    for name in sorted(rehearsal.not_rehearsed):
        print(f"not rehearsed: {name}")
    files = sorted({file for act in acts for file in ACTS[act]})
    return f"{', '.join(files)}, {len(rehearsal.rehearsed)} steps"


def _say(line: str) -> None:
    """In one piece: several jobs may speak."""
    print(f"{line}\n", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
