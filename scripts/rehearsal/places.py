"""What a rehearsal has instead of accounts: a registry, Azure's store, an MLflow server."""

import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from mlflow_server import end, throw_away
from servers import HOST, Server, free_port, start_program, stop

from azurite import start_azurite
from rookery.errors import InputError

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "student", "for-one-rehearsal"
# bcrypt of that password, the only kind that the registry takes
HTPASSWD = "student:$2b$05$k4gLyG1Amke94e33RHnyYuiVEZ/4uzZ54O25solCp05h5DwJ2Pcna\n"
# of every emulator of Azure's store, as its documentation says
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "models"


@dataclass(frozen=True)
class Places:
    """Their addresses, once they answer."""

    registry: str
    blobs: str  # a connection string
    mlflow: str

    def tags(self, image: str) -> dict[str, str]:
        """Tags of an image in the registry, each with the digest that it names."""
        found = self._asked(f"{image}/tags/list").json().get("tags") or []
        return {
            tag: self._asked(f"{image}/manifests/{tag}").headers["Docker-Content-Digest"]
            for tag in found
        }

    def _asked(self, route: str) -> requests.Response:
        kinds = (
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.index.v1+json",
        )
        return requests.get(
            f"http://{self.registry}/v2/{route}",
            auth=(USER, PASSWORD),
            headers={"Accept": ", ".join(kinds)},
            timeout=10,
        )


def check_tools() -> None:
    """Raises InputError for the first tool that is missing, with the command that installs it."""
    needed = {
        "docker": "an engine: https://docs.docker.com/engine/install/",
        "docker-registry": "sudo apt install docker-registry",
        "npm": "sudo apt install npm",
        "git": "sudo apt install git",
    }
    for program, mend in needed.items():
        if shutil.which(program) is None:
            raise InputError(
                f"the rehearsal needs {program}, which was not found", field="PATH", next=mend
            )
    done = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if done.returncode:
        raise InputError("no Docker engine answers", field="docker", next="start it: docker info")


def open_places(folder: Path, ends: ExitStack) -> Places:
    """Starts all three; `ends` stops them.

    Raises:
        Unavailable: one did not come up.
    """

    def kept(server: Server) -> Server:
        ends.callback(stop, [server])
        server.wait()
        return server

    registry = free_port()
    kept(_registry(folder / "registry", registry))
    blobs = free_port()
    kept(start_azurite(folder / "azurite", blobs))
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint=http://{HOST}:{blobs}/{ACCOUNT};"
    )
    _make_container(connection)
    artifacts = f"wasbs://{CONTAINER}@{ACCOUNT}.blob.core.windows.net/artifacts"
    keys = {"AZURE_STORAGE_CONNECTION_STRING": connection}
    mlflow = throw_away(folder / "mlflow", artifacts=artifacts, environment=keys)
    ends.callback(end, folder / "mlflow")
    return Places(f"{HOST}:{registry}", connection, mlflow)


def _registry(folder: Path, port: int) -> Server:
    """With a password, so that a push without a login is refused."""
    folder.mkdir(parents=True)
    (folder / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
    environment = {
        "REGISTRY_HTTP_ADDR": f"{HOST}:{port}",
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(folder / "images"),
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "rehearsal",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(folder / "htpasswd"),
    }
    (folder / "config.yml").write_text("version: 0.1\nstorage: {filesystem: {}}\n", "utf-8")
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    health = f"http://{HOST}:{port}/"
    return start_program("the registry", command, health, folder / "log", environment)


def _make_container(connection: str) -> None:
    from azure.storage.blob import BlobServiceClient

    BlobServiceClient.from_connection_string(connection).create_container(CONTAINER)
