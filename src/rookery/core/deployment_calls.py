"""What a deployment to Azure Container Instances calls, in order: method, address and body."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rookery.core.azure_credentials import AzureCredentials
from rookery.core.container_group import API_VERSION, HIDDEN, container, masked, port_of


@dataclass(frozen=True)
class Call:
    """One request; `when` says under which condition it is made."""

    method: str
    url: str
    when: str
    body: Any = None


def planned_calls(
    group: Mapping[str, Any],
    credentials: AzureCredentials,
    resource_group: str,
    secrets: Collection[str] = (),
) -> list[Call]:
    """Every request of a deployment, with `***` for secrets, and wherever one of these stands."""
    place = (
        f"{credentials.manager}/subscriptions/{credentials.subscription_id}"
        f"/resourceGroups/{resource_group}"
        f"/providers/Microsoft.ContainerInstance/containerGroups/{group['name']}"
    )
    versioned = f"{place}?api-version={API_VERSION}"
    sent = ("location", "tags", "properties")  # the rest is in the address
    body = {name: masked(group[name], secrets) for name in sent if name in group}
    logs = f"{place}/containers/{container(group)['name']}/logs?api-version={API_VERSION}&tail=40"
    serves = f"http://<the fqdn that Azure answers with>:{port_of(group)}"
    return [
        *_login(credentials),
        Call("GET", versioned, "to read the group before; 404 where it is new"),
        Call("PUT", versioned, "to create or update it", body),
        Call("GET", versioned, "until provisioningState is Succeeded, and for the fqdn"),
        Call("GET", f"{serves}/health", "until it answers with 200"),
        Call("POST", f"{serves}/predict", "with each example that the image holds"),
        Call("GET", versioned, "for a while: the container must not have been restarted"),
        Call("GET", logs, "if it is refused: its last lines"),
        Call("PUT", versioned, "if it is refused: the group as it was, with the image before"),
        Call("DELETE", versioned, "if it is refused, and there was none before"),
    ]


def _login(credentials: AzureCredentials) -> list[Call]:
    """The client credentials of OAuth 2.0 (RFC 6749, section 4.4)."""
    tenant = f"{credentials.authority}/{credentials.tenant_id}"
    asked = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": HIDDEN,
        "scope": f"{credentials.manager}/.default",
    }
    return [
        Call("GET", f"{tenant}/v2.0/.well-known/openid-configuration", "to log in"),
        Call("POST", f"{tenant}/oauth2/v2.0/token", "to log in", asked),
    ]
