"""Container registries as a workflow's secrets name them, and logins that touch no one's own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rookery.errors import InputError, Unavailable


@dataclass(frozen=True)
class Registry:
    """Where images go: `server` for the login, `prefix` before an image's name."""

    name: str
    server: str
    prefix: str
    user: str
    password: str = field(repr=False)


def registries(environment: Mapping[str, str]) -> list[Registry]:
    """Azure's and Docker Hub's, each if it is named.

    `ACR_NAME` is the registry's name, or its whole address; `DOCKERHUB_USERNAME` the user, or
    `address/user` on a registry of one's own.

    Raises:
        InputError: none is named, or a part of one is missing.
    """
    found = []
    if name := environment.get("ACR_NAME"):
        server = name if set(name) & set(".:") else f"{name}.azurecr.io"
        user, password = _both(environment, "ACR_NAME", "ACR_USERNAME", "ACR_PASSWORD")
        found.append(Registry("ACR", server, server, user, password))
    if name := environment.get("DOCKERHUB_USERNAME"):
        own, _, user = name.rpartition("/")
        (token,) = _both(environment, "DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN")
        found.append(Registry("Docker Hub", own or "docker.io", name, user, token))
    if not found:
        raise InputError(
            "no registry is named, so the image cannot be pushed",
            field="ACR_NAME, DOCKERHUB_USERNAME",
            allowed="the secrets ACR_NAME, ACR_USERNAME and ACR_PASSWORD; or the variable "
            "DOCKERHUB_USERNAME with the secret DOCKERHUB_TOKEN; or both",
            next="docs/ci-cd.md says where they are set",
        )
    return found


def _both(environment: Mapping[str, str], named: str, *needed: str) -> list[str]:
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise InputError(
            f"{named} is set, but not {' and '.join(missing)}",
            field=missing[0],
            allowed="all of a registry's settings, or none",
            next="docs/ci-cd.md says where they are set",
        )
    return [environment[name] for name in needed]


@contextmanager
def private_config() -> Iterator[Path]:
    """A folder for logins that is gone afterwards; engine and plugins are the user's."""
    with tempfile.TemporaryDirectory(prefix="rookery-docker-") as place:
        fill_config(Path(place))
        yield Path(place)


def fill_config(place: Path) -> None:
    """Makes the folder the user's configuration of Docker, without its logins."""
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    place.mkdir(parents=True, exist_ok=True)
    if (own / "cli-plugins").is_dir():
        (place / "cli-plugins").symlink_to(own / "cli-plugins")
    if (own / "contexts").is_dir():
        shutil.copytree(own / "contexts", place / "contexts")
    shown = subprocess.run(
        ["docker", "context", "show"], capture_output=True, text=True, check=False
    )
    if (context := shown.stdout.strip()) and context != "default":
        text = f'{{"currentContext": "{context}"}}\n'
        (place / "config.json").write_text(text, encoding="utf-8")


def login(config: Path, registry: Registry) -> None:
    """Keeps a login in that folder; the password goes by standard input, which no one can list.

    Raises:
        Unavailable: the registry refused, or did not answer.
    """
    command = ["login", "--username", registry.user, "--password-stdin", registry.server]
    docker(config, command, f"the login at {registry.server} failed", given=registry.password)


def docker(config: Path, command: Sequence[str], fault: str, given: str | None = None) -> str:
    """What the command says.

    Raises:
        Unavailable: it failed; the message is `fault` and its last line.
    """
    done = subprocess.run(
        ["docker", "--config", str(config), *command],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{fault}: {said[-1] if said else f'exit {done.returncode}'}")
    return done.stdout
