"""Ingest and clean of many synthetic penguins in MySQL: rows a second, and memory; against what
people write, and against `LOAD DATA`.

A MySQL of its own and the sides, which need its client, run in containers on a network of their
own; all is removed at the end. Every measurement is a process of its own.
"""

import argparse
import json
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from compose import BUILD_SECONDS, need_engine
from measuring import ROOT

# as in the compose file, and files of the client allowed
SERVER = [
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=64M",
    "--skip-log-bin",
    "--mysqlx=OFF",
    "--local-infile=ON",
]
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
def server(memory: str) -> Iterator[Place]:
    """With an empty database, on a network of its own; both are gone at the end."""
    place = Place(f"rookery-bench-{secrets.token_hex(4)}", secrets.token_hex(16))
    name = f"{place.name}-mysql"
    given = ["--env", f"MYSQL_ROOT_PASSWORD={place.password}", "--env", "MYSQL_DATABASE=bench"]
    bounds = ["--memory", memory, "--name", name, "--network", place.name, "--detach"]
    docker("network", "create", place.name)
    try:
        docker("run", *bounds, *given, "mysql:8.4", *SERVER)
        yield place
    finally:
        # names that are not there are no error with --force
        docker("rm", "--force", "--volumes", f"{place.name}-sides", name)
        docker("network", "rm", place.name)


def jupyter_image() -> str:
    """The name of the stack's image with MySQL's client, built where the cache lacks it."""
    docker("compose", "build", "jupyter")
    found = json.loads(docker("compose", "config", "--format", "json"))
    return str(found["services"]["jupyter"]["image"])


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"docker {arguments[0]} failed: {done.stderr.strip()[-3000:]}")
    return done.stdout.strip()


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
    image = jupyter_image()
    with server(given.memory) as place:
        run_sides(image, place, "--rows", *given.rows, "--rounds", given.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 4_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="1g", help="of the server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
