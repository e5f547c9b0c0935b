"""Ingest and clean of many synthetic penguins in MySQL: rows a second, and memory; against what
people write, and against `LOAD DATA`.

A MySQL of its own and the sides, which need its client, run in containers on a network of their
own; all is removed at the end. Every measurement is a process of its own.
"""

import argparse
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from compose import BUILD_SECONDS, STOP_SECONDS, Stack, need_engine
from measuring import ROOT

CHECKOUT = Stack(ROOT, os.environ)
BROUGHT = ("benchmarks", "tasks")  # into the container of the sides
PLACE = "/project"


@dataclass(frozen=True)
class Place:
    """A network with a server that starts; `name` is also the start of the containers' names."""

    name: str
    password: str

    @property
    def address(self) -> str:
        return f"mysql://root:{self.password}@{self.name}-mysql:3306/bench"


@contextmanager
def server(mysql: dict[str, Any], memory: str) -> Iterator[Place]:
    """As in the compose file, with an empty database on a network of its own; gone at the end."""
    place = Place(f"rookery-bench-{secrets.token_hex(4)}", secrets.token_hex(16))
    name = f"{place.name}-mysql"
    given = ["--env", f"MYSQL_ROOT_PASSWORD={place.password}", "--env", "MYSQL_DATABASE=bench"]
    bounds = ["--memory", memory, "--name", name, "--network", place.name, "--detach"]
    # beside what the stack has: files of the client allowed
    command = [mysql["image"], *mysql["command"], "--local-infile=ON"]
    CHECKOUT.run("docker", "network", "create", place.name)
    try:
        CHECKOUT.run("docker", "run", *bounds, *given, *command, seconds=BUILD_SECONDS)
        yield place
    finally:
        # names that are not there are no error with --force
        both = (f"{place.name}-sides", name)
        CHECKOUT.run("docker", "rm", "--force", "--volumes", *both, seconds=STOP_SECONDS)
        CHECKOUT.run("docker", "network", "rm", place.name)


def run_sides(image: str, place: Place, *arguments: object) -> None:
    """What they print goes to the terminal."""
    bounds = ["--rm", "--init", "--name", f"{place.name}-sides", "--network", place.name]
    brought = [f"--volume={ROOT / name}:{PLACE}/{name}:ro" for name in BROUGHT]
    given = ["--env", f"DATABASE_URL={place.address}", "--env", "PYTHONUNBUFFERED=1"]
    script = ["python", f"{PLACE}/benchmarks/mysql_sides.py", *map(str, arguments)]
    done = subprocess.run(["docker", "run", *bounds, *brought, *given, image, *script], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    given = arguments()
    need_engine()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # removes all, as Ctrl-C does
    CHECKOUT.build("jupyter")
    services = CHECKOUT.services()
    image = services["jupyter"]["image"]
    with server(services["mysql"], given.memory) as place:
        run_sides(image, place, "--rows", *given.rows, "--rounds", given.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 4_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="1g", help="of the server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
