"""What the docker command says: the engine, the stack of this folder and its containers."""

import json
import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rookery.jobs.doctor.findings import Level
from rookery.jobs.doctor.ports import Port

SECONDS = 5.0
COMMANDS = {
    "info": ("--format", "json"),
    "ps": ("--format", "json"),
    "buildx version": (),
    "compose version": ("--short",),
    "compose config": ("--format", "json"),
    "compose ps": ("--all", "--format", "json"),
}
# (service, port inside): the variable that moves the published port, and its use
PUBLISHED = {
    ("postgres", 5432): ("POSTGRES_PORT", "Postgres"),
    ("mysql", 3306): ("MYSQL_PORT", "MySQL"),
    ("minio", 9000): ("MINIO_PORT", "MinIO"),
    ("minio", 9001): ("MINIO_CONSOLE_PORT", "MinIO's console"),
    ("mlflow", 5005): ("MLFLOW_PORT", "MLflow"),
    ("jupyter", 8888): ("JUPYTER_PORT", "JupyterLab"),
    ("fastapi", 8000): ("API_PORT", "the API"),
}


# one port, or a range: 127.0.0.1:9000-9001->9000-9001/tcp
PUBLISHED_AT = re.compile(r":(\d+)(?:-(\d+))?->")


@dataclass(frozen=True)
class Docker:
    """Empty where nothing was said; `faults` has what was said instead, by command."""

    folder: Path
    installed: bool = True
    engine: dict[str, Any] = field(default_factory=dict)
    compose: str = ""
    buildx: str = ""
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    containers: tuple[dict[str, Any], ...] = ()
    others: dict[int, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """Of what keeps the stack from starting: nothing to worry whoever never started it."""
        return "error" if self.containers else "warning"

    @property
    def running(self) -> set[str]:
        return {one["Service"] for one in self.containers if one["State"] == "running"}

    @property
    def ports(self) -> dict[tuple[str, int], Port]:
        """The ports to be published, by service and port inside."""
        found = {}
        for name, service in self.services.items():
            for port in service.get("ports") or ():
                key = (name, int(port["target"]))
                variable, use = PUBLISHED.get(key, (f"the port of {name}", name))
                address = port.get("host_ip") or "0.0.0.0"  # noqa: S104 Compose's own default
                found[key] = Port(variable, int(port.get("published") or 0), use, address)
        return found

    @property
    def published(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Where running containers are reached, by service and port inside."""
        return {
            (one["Service"], each["TargetPort"]): (each["URL"], each["PublishedPort"])
            for one in self.containers
            if one["State"] == "running"
            for each in one.get("Publishers") or ()
            if each["PublishedPort"]
        }

    @property
    def own_ports(self) -> set[int]:
        return set(holders(self.containers))


class Said(NamedTuple):
    """Standard output of a command, or the last line of its error."""

    text: str
    fault: str


def look(folder: Path) -> Docker:
    """Asks for all at once; what cannot be said is left empty."""
    try:
        with ThreadPoolExecutor(len(COMMANDS)) as pool:
            said = dict(zip(COMMANDS, pool.map(partial(run, folder), COMMANDS), strict=True))
    except OSError:  # there is no command of that name
        return Docker(folder, installed=False)
    engine, config = parse(said["info"].text), parse(said["compose config"].text)
    faults = {name: each.fault for name, each in said.items() if each.fault}
    if engine and engine[0].get("ServerErrors"):
        faults["info"] = "; ".join(engine.pop()["ServerErrors"])
    return Docker(
        folder,
        engine=engine[0] if engine else {},
        compose=said["compose version"].text.strip(),
        buildx=said["buildx version"].text.strip(),
        services=config[0].get("services") or {} if config else {},
        containers=tuple(parse(said["compose ps"].text)),
        others=holders(parse(said["ps"].text)),
        faults=faults,
    )


def run(folder: Path, name: str) -> Said:
    """What one of the commands said, or why it said nothing.

    Raises:
        FileNotFoundError: there is no docker.
    """
    command = ["docker", *name.split(), *COMMANDS[name]]
    try:
        done = subprocess.run(  # noqa: S603 our own command lines
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Said("", f"no answer within {SECONDS:g} s")
    if done.returncode:
        return Said("", (done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return Said(done.stdout, "")


def parse(text: str) -> list[dict[str, Any]]:
    """One JSON object a line; a list before Compose 2.21; nothing where it is something else."""
    for candidate in (text, f"[{','.join(text.splitlines())}]"):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        return found if isinstance(found, list) else [found]
    return []


def holders(containers: Iterable[dict[str, Any]]) -> dict[int, str]:
    """Which container holds a published port."""
    return {
        number: f"the container {one['Names']}"
        for one in containers
        for first, last in PUBLISHED_AT.findall(one.get("Ports", ""))
        for number in range(int(first), int(last or first) + 1)
    }


def version(text: str) -> tuple[int, ...]:
    """The first numbers of a version with dots; empty where there are none."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()
