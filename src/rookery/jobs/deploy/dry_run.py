"""What a deployment to Azure would call, said without a network and without credentials."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from rookery.core.azure_credentials import AzureCredentials, read_credentials
from rookery.core.container_group import filled, port_of, registry_of
from rookery.core.deployment_calls import planned_calls
from rookery.jobs.deploy.group_values import (
    LINEAGE,
    acr_server,
    group_values,
    pulled_as,
    read_template,
)
from rookery.jobs.deploy.outcome import Deployment
from rookery.settings import Settings

UNKNOWN = AzureCredentials(
    client_id="<clientId>",
    client_secret="<clientSecret>",  # noqa: S106 it says where one would stand
    tenant_id="<tenantId>",
    subscription_id="<subscriptionId>",
    authority="https://login.microsoftonline.com",
    manager="https://management.azure.com",
)
SECRETS = ("REGISTRY_PASSWORD", "API_KEY")
FROM_IMAGE = ("MODEL_VERSION", *LINEAGE)
OF_IMAGE = "<of the image>"
NOW = "<the image that runs now>"


def planned(settings: Settings, task: str, image: str | None, file: Path | None) -> Deployment:
    """The calls of a deployment, built and checked as the real one's; what is not set is named.

    Raises:
        InputError: as the real one, but for settings that are not set.
    """
    from rookery.stores.azure_containers import validated

    wanted = pulled_as(settings, image) if image else "<the image before>"
    unset = _unset(settings, wanted)
    filled_in = settings.model_copy(update=unset)
    given = settings.azure_credentials
    credentials = read_credentials(given.get_secret_value()) if given else UNKNOWN
    found = group_values(filled_in, task, wanted, NOW)
    values = found | {name: OF_IMAGE for name in FROM_IMAGE if found[name] is None}
    group = filled(read_template(file), values)
    secrets = [value for name in SECRETS if (value := values[name])]
    validated(group)
    missing = [*(["AZURE_CREDENTIALS"] if given is None else []), *map(str.upper, unset)]
    return Deployment(
        task=task,
        target="aci",
        image=wanted,
        url=f"http://<the fqdn that Azure answers with>:{port_of(group)}",
        previous=NOW,
        dry_run=True,
        calls=planned_calls(group, credentials, str(filled_in.azure_resource_group), secrets),
        notes=[f"not set here, and needed: {', '.join(missing)}"] if missing else [],
    )


def _unset(settings: Settings, image: str) -> dict[str, Any]:
    """Stand-ins for the settings that the real one would ask for."""
    names = ["azure_resource_group", "azure_region"]
    host = registry_of(image)
    if host == acr_server(settings) or (host.endswith(".azurecr.io") and not settings.acr_name):
        names += ["acr_name", "acr_username", "acr_password"]
    stand_ins: dict[str, Any] = {
        name: f"<{name.upper()}>" for name in names if getattr(settings, name) is None
    }
    if "acr_name" in stand_ins:
        stand_ins["acr_name"] = host
    if "acr_password" in stand_ins:
        stand_ins["acr_password"] = SecretStr(stand_ins["acr_password"])
    return stand_ins
