"""Our sweep through the stack against the usual loop and the usual server command.

Both sides run in the Jupyter container and log over HTTP to Postgres and MinIO: ours to the
stack's server, which asks for a password, the loop to `mlflow server` with its default workers,
which does not. Rounds alternate, each run is a new process.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import PurePosixPath

from compose import PLACE, Stack, own_stack
from container_stats import Engine
from measuring import Measured, measured, median, parser_with_repository, table
from sweeps import Sides, compare_sweeps
from usual_server import usual_server

RUN_SECONDS = 900
# as a kernel has it: start.sh gives it to JupyterLab
WITH_PASSWORD = 'export MLFLOW_TRACKING_PASSWORD="$(cat /run/keys/password)"; exec python "$@"'


@dataclass(frozen=True)
class Inside(Sides):
    """Both sides in the Jupyter container; there is no git in it, so the loop knows no commit."""

    stack: Stack
    engine: Engine
    container: str
    loop_lacks = frozenset({"commit"})

    def run(self, script: str, *arguments: object) -> Measured:
        command = ["sh", "-c", WITH_PASSWORD, "sh", f"{PLACE}/{script}", *map(str, arguments)]
        cpu, started = self.engine.cpu_seconds(self.container), time.perf_counter()
        said = self.stack.execute("jupyter", *command, seconds=RUN_SECONDS)
        taken = time.perf_counter() - started
        return measured(said, taken, self.engine.cpu_seconds(self.container) - cpu)


def main() -> None:
    given = arguments()
    with own_stack(given.repository) as stack:
        engine = Engine()
        stack.build()
        stack.up()
        stack.bring_benchmarks("jupyter")
        inside = jupyter_of(stack, engine, given.jobs)
        inside.run("one_job.py", "prepare")
        with usual_server(stack, engine) as uri:
            compare_sweeps(inside, uri, given.rounds)
        where_time_goes(inside)
        if given.parts:
            which_part(inside, given.rounds)


def jupyter_of(stack: Stack, engine: Engine, jobs: int) -> Inside:
    home = stack.execute("jupyter", "printenv", "ROOKERY_HOME", seconds=60).strip()
    container = stack.containers()["jupyter"]
    return Inside(PurePosixPath(home), "http://mlflow:5005", jobs, [], stack, engine, container)


def arguments() -> argparse.Namespace:
    parser = parser_with_repository(__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--parts", action="store_true", help="the loop on a server with uvloop, and on ours, too"
    )
    return parser.parse_args()


def which_part(inside: Inside, rounds: int) -> None:
    """The loop on better servers: what is left is the sweep's own."""
    taken: dict[str, list[float]] = {"mlflow server with uvloop": [], "the stack's server": []}
    with usual_server(inside.stack, inside.engine, plain=False) as uri:
        for number in range(rounds):
            for server, address in zip(taken, (uri, inside.own_uri), strict=True):
                taken[server].append(inside.loop(address, f"loop-parts-{number}").seconds)
    rows = [[server, len(seconds), median(seconds)] for server, seconds in taken.items()]
    table("The usual loop on other servers", ["server", "rounds", "s, imported"], rows)


def where_time_goes(inside: Inside) -> None:
    ours = inside.run("where_time_goes.py", "--jobs", inside.jobs)
    parts, calls = ours.report["parts"], ours.report["calls"]
    header = ["part", "times", "s", "ms each"]
    every = [one for taken in calls.values() for one in taken]
    table(
        f"Where the {ours.seconds:.1f} s of our sweep go",
        header,
        [*map(_row, parts.items()), _row(("of all: HTTP calls", every))],
    )
    longest = sorted(calls.items(), key=lambda item: -sum(item[1]))
    table("HTTP calls of it", ["call", *header[1:]], list(map(_row, longest)))


def _row(item: tuple[str, list[float]]) -> list[object]:
    label, taken = item
    return [label, len(taken), sum(taken), 1000 * median(taken)]


if __name__ == "__main__":
    main()
