"""What a deployment to Azure Container Instances calls, in order: method, address and body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rookery.core.container_group import API_VERSION, container, port_of


@dataclass(frozen=True)
class Call:
    """One request; `when` says under which condition it is made."""

    method: str
    url: str
    when: str
    body: Any = None


def group_url(manager: str, subscription: str, resource_group: str, name: str) -> str:
    """A container group in Azure's REST API, without the version."""
    return (
        f"{manager}/subscriptions/{subscription}/resourceGroups/{resource_group}"
        f"/providers/Microsoft.ContainerInstance/containerGroups/{name}"
    )


def planned_calls(
    group: Mapping[str, Any],
    *,
    token_url: str,
    group_url: str,
    host: str,
    record: Mapping[str, Any] | None,
) -> list[Call]:
    """Every request of a deployment; secrets are as in `group`, so mask that first."""
    versioned = f"{group_url}?api-version={API_VERSION}"
    logs = f"{group_url}/containers/{container(group)['name']}/logs?api-version={API_VERSION}&tail=40"
    serves = f"http://{host}:{port_of(group)}"
    return [
        Call("POST", token_url, "to log in"),
        Call("GET", versioned, "to read the image before; 404 where the group is new"),
        Call("PUT", versioned, "to create or update the group", dict(group)),
        Call("GET", versioned, "until the group is provisioned"),
        Call("GET", f"{serves}/health", "until it answers with 200"),
        Call("POST", f"{serves}/predict", "to see a right prediction", dict(record or {}) or None),
        Call("GET", versioned, "to see that the container was not restarted meanwhile"),
        Call("GET", logs, "if it is refused: its last lines"),
        Call("PUT", versioned, "if it is refused: the group as it was, with the image before"),
        Call("DELETE", versioned, "if it is refused and there was none before"),
    ]
