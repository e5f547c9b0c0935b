"""What a workflow meets beside its file: a repository, its secrets and variables, an event."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.expressions import Open
from rookery.settings import Settings

SECRETS = (
    "ACR_NAME",
    "ACR_USERNAME",
    "ACR_PASSWORD",
    "AZURE_CREDENTIALS",
    "AZURE_RESOURCE_GROUP",
    "AZURE_STORAGE_CONNECTION_STRING",
    "DOCKERHUB_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "API_KEY",
)
VARIABLES = (
    "MODEL_NAME",
    "MODEL_ALIAS",
    "IMAGE_NAME",
    "ARTIFACTS_DESTINATION",
    "AZURE_DNS_LABEL",
    "AZURE_REGION",
    "MLFLOW_URL",
    "EXPERIMENT_NAME",
    "DOCKERHUB_USERNAME",
)
REPOSITORY = "student/rookery"
# of the shell, make, or test that starts a rehearsal, which a fresh machine would not have
OTHERS = ("GITHUB_", "RUNNER_", "MLFLOW_", "ROOKERY_", "PYTEST_", "COV_CORE_")
OTHER = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}


@dataclass(frozen=True)
class Event:
    """Why a workflow runs; `ref` is that of a branch or tag."""

    name: str
    sha: str
    ref: str = "refs/heads/main"
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """A repository on GitHub, as folders.

    `instead` are values of a workflow's own `env` that cannot be had here, by file.
    """

    root: Path
    origin: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def workspace(self, lane: int) -> Path:
        """One for the jobs that run one after the other: what a cache holds may name its place."""
        return self.root / "work" / str(lane) / "rookery" / "rookery"

    def artifacts(self, run_id: str) -> Path:
        return self.root / "artifacts" / run_id

    def caches(self, lane: int) -> Path:
        return self.root / "caches" / str(lane)

    def masked(self, line: str) -> str:
        """A line without the secrets in it."""
        for value in self.secrets.values():
            line = line.replace(value, "***") if value else line
        return line


def machine() -> Open:
    arch = {"x86_64": "X64", "amd64": "X64", "aarch64": "ARM64", "arm64": "ARM64"}
    machine = platform.machine().lower()
    return Open(os=platform.system(), arch=arch.get(machine, machine))


def fresh_environment() -> dict[str, str]:
    """This process' environment without what would change a job: our settings, secrets, its own."""
    ours = {name.upper() for name in Settings.model_fields} | {*SECRETS, *VARIABLES} | OTHER
    ours |= {f"{name}_FILE" for name in ours}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(OTHERS)
    }
    own = str(Path(os.environ["VIRTUAL_ENV"], "bin")) if "VIRTUAL_ENV" in os.environ else None
    parts = [part for part in kept.get("PATH", "").split(os.pathsep) if part != own]
    return kept | {"PATH": os.pathsep.join(parts), "CI": "true", "GITHUB_ACTIONS": "true"}
