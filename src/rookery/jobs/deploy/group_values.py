"""What a container group is filled with: settings, the image's registry, and lineage."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rookery.core.container_group import dns_label, group_name, registry_of
from rookery.core.examples import Examples
from rookery.core.image import OURS
from rookery.errors import InputError
from rookery.settings import Settings, project_root
from rookery.stores import engine

FILE = Path("deploy/aci/container-group.yaml")
DOCKER_HUB = "docker.io"
LINEAGE = {"COMMIT": f"{OURS}.commit", "RUN_ID": f"{OURS}.run", "DIGEST": f"{OURS}.digest"}
MADE_AS = {
    "azure_credentials": "the JSON that `az ad sp create-for-rbac … --json-auth` prints",
    "azure_resource_group": "the name of a resource group: az group list",
    "azure_region": "a region such as westeurope: az account list-locations",
    "acr_username": "az acr credential show --name NAME",
    "acr_password": "az acr credential show --name NAME",
}


def read_template(file: Path | None) -> Any:
    """A file in the form that `az container create --file` takes; the project's own if none.

    Raises:
        InputError: it cannot be read, or is no YAML.
    """
    path = file or project_root() / FILE
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        why = getattr(error, "strerror", None) or getattr(error, "problem", None) or "it is no YAML"
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise InputError(
            f"{path}: {why}{place}",
            field="--file",
            value=str(path),
            allowed="what `az container create --file` takes",
        ) from None


def required(settings: Settings, name: str) -> str:
    """A setting that a deployment cannot do without.

    Raises:
        InputError: it is not set.
    """
    given = _plain(getattr(settings, name))
    if given is None:
        raise InputError(
            f"{name.upper()} is not set",
            field=name.upper(),
            allowed=MADE_AS[name],
            next="docs/deploy.md",
        )
    return given


def _plain(given: str | SecretStr | None) -> str | None:
    return given.get_secret_value() if isinstance(given, SecretStr) else given


def pulled_as(settings: Settings, image: str) -> str:
    """The name that Azure pulls an image by: one without a registry is in ours.

    Raises:
        InputError: there is none to be had.
    """
    if "/" in image:
        return image
    owner = acr_server(settings) or settings.dockerhub_username
    if owner is None:
        raise InputError(
            f"{image!r} names no registry, so Azure cannot pull it",
            field="--image",
            value=image,
            allowed="registry/name:tag, or ACR_NAME or DOCKERHUB_USERNAME",
        )
    return f"{owner}/{image}"


def acr_server(settings: Settings) -> str | None:
    name = settings.acr_name
    return name if name is None or "." in name else f"{name}.azurecr.io"


def group_values(
    settings: Settings,
    task: str,
    image: str,
    previous: str | None = None,
    examples: Examples | None = None,
) -> dict[str, str | None]:
    """What `${NAME}` stands for in the file; None where there is nothing.

    Raises:
        InputError: a setting is missing that the image needs, or is wrong.
    """
    server, user, password = _registry(settings, image)
    found = engine.image(image) if examples else None
    return {
        "GROUP_NAME": group_name(task),
        "AZURE_REGION": required(settings, "azure_region"),
        "DNS_LABEL": dns_label(settings.azure_dns_label, task),
        "TASK": task,
        "IMAGE": image,
        "PREVIOUS_IMAGE": previous,
        "MODEL_NAME": examples.model if examples else task,
        "MODEL_VERSION": examples.version if examples else None,
        "REGISTRY_SERVER": server,
        "REGISTRY_USERNAME": user,
        "REGISTRY_PASSWORD": password,
        "API_KEY": _plain(settings.api_key),
        **{name: found.labels.get(label) if found else None for name, label in LINEAGE.items()},
    }


def _registry(settings: Settings, image: str) -> tuple[str | None, str | None, str | None]:
    """Host, user and password of the registry that an image comes from; none of a public one."""
    host = registry_of(image)
    if host == acr_server(settings):
        return host, required(settings, "acr_username"), required(settings, "acr_password")
    if host.endswith(".azurecr.io"):
        raise InputError(
            f"the image is in {host}, and ACR_NAME is "
            f"{repr(settings.acr_name) if settings.acr_name else 'not set'}",
            field="ACR_NAME",
            value=settings.acr_name,
            allowed=host,
        )
    if host == DOCKER_HUB and settings.dockerhub_token:
        user = settings.dockerhub_username
        return "index.docker.io", user, _plain(settings.dockerhub_token) if user else None
    return None, None, None
