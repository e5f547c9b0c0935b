"""The container engine, by its own command: images and containers are built, run and removed."""

import json
import subprocess
import sys
import tempfile
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rookery.errors import InputError, Unavailable

QUICK_SECONDS = 60.0
INSTALL = "install Docker: https://docs.docker.com/engine/install/"
START = "start Docker Desktop, or: sudo systemctl start docker"
# what a packaged model is run with everywhere: it needs no more
CONFINED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=1g",
    "--pids-limit=512",
)
# containers reach nothing beyond the engine's own networks, while their ports can be published
INWARD = "com.docker.network.bridge.enable_ip_masquerade=false"


@dataclass(frozen=True)
class Image:
    """An image that the engine has; `user` is empty where it runs as root."""

    id: str
    size_bytes: int
    user: str
    labels: dict[str, str]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """How a container stands; `port` is the one of this machine that its first is published at."""

    running: bool
    exit_code: int
    port: int | None
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    environment: dict[str, str] = field(default_factory=dict, repr=False)  # with its secrets


def require() -> None:
    """The engine answers.

    Raises:
        Unavailable: there is no docker command, or no engine behind it.
    """
    _run("version", "--format", "{{.Server.Version}}")


def build(
    context: Path,
    dockerfile: str,
    *,
    target: str,
    arguments: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> str:
    """Builds a Dockerfile of a folder; the id of the image, which has no tag yet.

    With `output` the files of the target are left in that folder instead, and the id is empty.
    What the builder says goes to standard error.

    Raises:
        Unavailable: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="rookery-") as folder:
        iidfile = Path(folder) / "id"
        options = ["--progress=plain", f"--file={context / dockerfile}", f"--target={target}"]
        options += [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
        options += [f"--label={name}={value}" for name, value in (labels or {}).items()]
        options += (
            [f"--output=type=local,dest={output}"] if output else ["--load", f"--iidfile={iidfile}"]
        )
        _stream("buildx", "build", *options, str(context))
        return iidfile.read_text(encoding="utf-8").strip() if iidfile.exists() else ""


def image(reference: str) -> Image | None:
    """What the engine says of an image that it has; None where it has none of that name."""
    for found in _inspect("image", reference):
        config = found["Config"]
        return Image(
            id=found["Id"],
            size_bytes=found["Size"],
            user=config.get("User") or "",
            labels=config.get("Labels") or {},
            tags=tuple(found.get("RepoTags") or ()),
        )
    return None


def pull(reference: str) -> Image:
    """Fetches an image from its registry.

    Raises:
        InputError: there is none that can be fetched.
    """
    try:
        _stream("pull", reference)
    except Unavailable as error:
        raise InputError(
            f"there is no image {reference}: neither here nor where its name points "
            f"({error.message})",
            field="IMAGE",
            value=reference,
            allowed="an image of this engine, or one that can be pulled",
            next="docker image ls",
        ) from None
    found = image(reference)
    if found is None:
        raise Unavailable(f"docker pulled {reference}, and does not have it", field="docker")
    return found


def tag(reference: str, name: str) -> None:
    """Gives an image a further name, which whatever had it loses."""
    _run("tag", reference, name)


def push(name: str) -> None:
    """Sends a tag to the registry that it names.

    Raises:
        Unavailable: it was not taken.
    """
    _stream("push", name)


def create(reference: str, *options: str) -> str:
    """Makes a container that does not run yet; its id. Options are those of `docker create`."""
    return _run("create", *options, reference)


def start(container: str) -> None:
    """Starts a container that was made.

    Raises:
        Unavailable: it cannot be started, such as for a port that is taken.
    """
    _run("start", container)


def stop(container: str, seconds: int = 15) -> None:
    """Ends a container in good order, and by force when that takes longer."""
    _run("stop", f"--time={seconds}", container)


def rename(container: str, name: str) -> None:
    """Gives a container another name."""
    _run("rename", container, name)


def state(container: str) -> State | None:
    """How a container stands; None where there is none of that id or name."""
    for found in _inspect("container", container):
        ports = (found["NetworkSettings"].get("Ports") or {}).values()
        published = [int(one["HostPort"]) for places in ports for one in places or ()]
        return State(
            running=found["State"]["Running"],
            exit_code=found["State"]["ExitCode"],
            port=published[0] if published else None,
            image=found["Image"],
            labels=found["Config"].get("Labels") or {},
            restarts=found["RestartCount"],
            environment=dict(one.split("=", 1) for one in found["Config"].get("Env") or ()),
        )
    return None


def logs(container: str, lines: int = 40) -> str:
    """The last lines that a container wrote, of both its streams."""
    done = _call("logs", f"--tail={lines}", container, seconds=QUICK_SECONDS)
    return f"{done.stdout}{done.stderr}".strip()


def read_file(container: str, path: str) -> bytes | None:
    """A file of a container, which need not run; None where it holds none."""
    with tempfile.TemporaryDirectory(prefix="rookery-") as folder:
        place = Path(folder) / "file"
        done = _call("cp", f"{container}:{path}", str(place), seconds=QUICK_SECONDS)
        return place.read_bytes() if done.returncode == 0 and place.is_file() else None


def remove(container: str) -> None:
    """Ends a container at once and removes it with its own volumes; nothing where there is none."""
    _run("rm", "--force", "--volumes", container)


@contextmanager
def inward_network() -> Iterator[str]:
    """A network for the time of a with-block, from which nothing outside can be reached."""
    name = f"rookery-{uuid.uuid4().hex[:12]}"
    _run("network", "create", "--opt", INWARD, name)
    try:
        yield name
    finally:
        _run("network", "rm", name)


def _inspect(kind: str, name: str) -> list[dict[str, Any]]:
    done = _call(kind, "inspect", name, seconds=QUICK_SECONDS)
    if done.returncode == 0:
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found
    if "no such" in done.stderr.lower():
        return []
    raise _failed((kind, "inspect", name), done.stderr)


def _run(*arguments: str) -> str:
    done = _call(*arguments, seconds=QUICK_SECONDS)
    if done.returncode:
        raise _failed(arguments, done.stderr)
    return done.stdout.strip()


def _call(*arguments: str, seconds: float) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 our own command lines, no shell
            ["docker", *arguments],  # noqa: S607 the one that the user would call
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise _missing() from None
    except subprocess.TimeoutExpired:
        raise _failed(arguments, f"no answer within {seconds:g} s") from None


def _stream(*arguments: str) -> None:
    """A command that takes long: what it says is passed on as it comes, to standard error."""
    try:
        process = subprocess.Popen(  # noqa: S603
            ["docker", *arguments],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise _missing() from None
    last: deque[str] = deque(maxlen=20)
    with process:
        for line in process.stdout or ():
            sys.stderr.write(line)
            last.append(line)
    if process.returncode:
        raise _failed(arguments, "".join(last))


def _missing() -> Unavailable:
    return Unavailable(
        "there is no docker command here",
        field="docker",
        allowed="Docker 25 or newer",
        next=INSTALL,
    )


def _failed(arguments: Sequence[str], said: str) -> Unavailable:
    lines = [line for line in said.splitlines() if line.strip()]
    last = (lines or ["it said nothing"])[-1]
    # after what the engine said, the command adds that it failed
    why = next((line for line in lines if "response from daemon" in line), last).strip()[:500]
    away = "docker daemon" in said and "connect" in said.lower()
    return Unavailable(
        f"docker {' '.join(arguments[:2])}: {why}", field="docker", next=START if away else None
    )
