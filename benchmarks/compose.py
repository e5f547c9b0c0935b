"""The stack in a clone of its own: project, image names, ports, volumes; all removed after."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from measuring import (
    HERE,
    Timed,
    clone_of,
    describe_machine,
    free_ports,
    scratch,
    timed,
    without_settings,
)

# settings of the one who measures that the stack would read
FOREIGN = ("COMPOSE_", "MYSQL_", "BIND_ADDRESS", "HOST_", "IMAGE_PREFIX")
BUILD_SECONDS, START_SECONDS, STOP_SECONDS = 3600, 300, 180
SHARED = ("notebooks", "tasks", "backups")  # what containers write into
PLACE = "/tmp/benchmarks"  # of this folder, in a container


@dataclass(frozen=True)
class Stack:
    """A folder with a compose file, and the environment that its commands are given."""

    folder: Path
    environ: Mapping[str, str]

    @property
    def project(self) -> str:
        return self.environ["COMPOSE_PROJECT_NAME"]

    def run(self, *command: str, seconds: float = 60, data: bytes | None = None) -> str:
        """What a command writes.

        Raises:
            SystemExit: it failed, or took longer; with the end of what it wrote.
        """
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=dict(self.environ),
                input=data,
                stdin=subprocess.DEVNULL if data is None else None,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{' '.join(command)} took longer than {seconds} s") from None
        if done.returncode:
            said = (done.stdout + done.stderr)[-3000:].decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return done.stdout.decode()

    def compose(self, *arguments: str, seconds: float = 60, data: bytes | None = None) -> str:
        return self.run("docker", "compose", *arguments, seconds=seconds, data=data)

    def execute(self, service: str, *command: str, seconds: float, **options: Any) -> str:
        """A command in the container of a service, without a terminal."""
        return self.compose("exec", "-T", service, *command, seconds=seconds, **options)

    def build(self, *arguments: str) -> Timed:
        return timed(lambda: self.compose("build", *arguments, seconds=BUILD_SECONDS))

    def up(self) -> Timed:
        """From the command until every server is healthy and every one-shot has ended well."""
        return timed(self._up)

    def _up(self) -> None:
        self.compose("up", "--detach", "--no-build", seconds=START_SECONDS)
        # what has no check of its health is a one-shot
        good = {
            name: "healthy" if "healthcheck" in one else "exited 0"
            for name, one in self.services().items()
        }
        wait_until(lambda: good.items() <= self.states().items(), "the stack is healthy")

    def down(self) -> None:
        everything = ("--profile", "maintenance", "down", "--volumes", "--remove-orphans")
        self.compose(*everything, "--timeout", "10", seconds=STOP_SECONDS)

    def states(self) -> dict[str, str]:
        """Health by service, or how it ended."""
        return {
            one["Service"]: f"exited {one['ExitCode']}"
            if one["State"] == "exited"
            else one["Health"]
            for one in _lines(self.compose("ps", "--all", "--format", "json"))
        }

    def containers(self) -> dict[str, str]:
        """The id by service, of those that run."""
        return {one["Service"]: one["ID"] for one in _lines(self.compose("ps", "--format", "json"))}

    def images(self) -> list[str]:
        """Names of the images that this stack builds."""
        named = set(self.compose("config", "--images").split())
        return sorted(name for name in named if name.startswith(self.environ["IMAGE_PREFIX"]))

    def services(self) -> dict[str, Any]:
        """What the compose file says of each that a start starts."""
        return dict(json.loads(self.compose("config", "--format", "json"))["services"])

    def address(self, port: str) -> str:
        return f"http://127.0.0.1:{self.environ[port]}"

    def bring_benchmarks(self, service: str) -> None:
        """Copies this folder to /tmp there; `docker compose cp` refuses a read-only container."""
        archive = BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            for script in sorted(HERE.glob("*.py")):
                packed.add(script, f"{Path(PLACE).name}/{script.name}")
        self.execute(service, "tar", "x", "-C", "/tmp", seconds=60, data=archive.getvalue())


def need_engine() -> None:
    """Ends the script with 2 and one line where no Docker engine answers."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if not asked.returncode:
            return
    again = f"python benchmarks/{Path(sys.argv[0]).name}"
    print(f"no Docker engine answers; start one, then: {again}", file=sys.stderr)
    raise SystemExit(2)


@contextmanager
def own_stack(repository: Path) -> Iterator[Stack]:
    """HEAD of a repository as a stack; nothing of it is left afterwards but the build cache.

    Raises:
        SystemExit: no Docker engine answers.
    """
    need_engine()
    describe_machine()
    with scratch() as folder:
        clone = folder / "clone"
        clone_of(repository, clone)
        stack = Stack(clone, _environment(folder.name.lower(), clone) | _host_user(clone))
        try:
            yield stack
        finally:
            _remove(stack)


def _remove(stack: Stack) -> None:
    # bounded, and a second Ctrl-C would leave containers behind
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    stack.down()
    for name in stack.images():
        if stack.run("docker", "image", "ls", "--quiet", name):
            stack.run("docker", "image", "rm", name)


def wait_until(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Raises SystemExit, naming `what`, where it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def _environment(project: str, clone: Path) -> dict[str, str]:
    kept = {k: v for k, v in without_settings().items() if not k.startswith(FOREIGN)}
    own = {"COMPOSE_PROJECT_NAME": project, "IMAGE_PREFIX": f"{project}-"}
    ports = set(re.findall(r"\$\{(\w+_PORT)\b", (clone / "docker-compose.yaml").read_text()))
    return kept | own | dict(zip(ports, map(str, free_ports(len(ports))), strict=True))


def _host_user(clone: Path) -> dict[str, str]:
    """As whom notebooks are saved: whoever measures, and for root the user of the images."""
    if uid := os.getuid():
        return {"HOST_UID": str(uid), "HOST_GID": str(os.getgid())}
    for shared in SHARED:
        for place in (clone / shared, *(clone / shared).rglob("*")):
            shutil.chown(place, 1000, 1000)
    return {}


def _lines(text: str) -> list[dict[str, Any]]:
    """Older Compose writes one array, newer a line for each container."""
    if text.startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]
