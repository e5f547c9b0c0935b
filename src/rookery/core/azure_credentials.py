"""The service principal that deployments log in to Azure with, as its JSON says it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rookery.errors import InputError

MADE_BY = (
    "az ad sp create-for-rbac --name NAME --role contributor "
    "--scopes /subscriptions/ID/resourceGroups/GROUP --json-auth"
)
# https://learn.microsoft.com/azure/developer/github/connect-from-azure-secret
PARTS = {
    "clientId": "id of the service principal",
    "clientSecret": "password of the service principal",
    "tenantId": "id of the directory",
    "subscriptionId": "id of the subscription that pays",
}
IDS = ("clientId", "tenantId", "subscriptionId")
EXAMPLE = "00000000-0000-0000-0000-000000000000"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PUBLIC = {
    "activeDirectoryEndpointUrl": "https://login.microsoftonline.com",
    "resourceManagerEndpointUrl": "https://management.azure.com",
}


@dataclass(frozen=True)
class AzureCredentials:
    """Who logs in, and where: the two addresses differ between Azure's clouds."""

    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str
    subscription_id: str
    authority: str
    manager: str


def read_credentials(text: str) -> AzureCredentials:
    """What `az ad sp create-for-rbac --json-auth` has printed.

    Raises:
        InputError: it is no such JSON, or naming each part that is missing or wrong, never a value
            that could be secret.
    """
    given = _object_in(text)
    faults = [*_missing(given), *_malformed(given)]
    if faults:
        raise _wrong("; ".join(faults))
    addresses = {name: given.get(name) or default for name, default in PUBLIC.items()}
    return AzureCredentials(
        client_id=given["clientId"],
        client_secret=given["clientSecret"],
        tenant_id=given["tenantId"],
        subscription_id=given["subscriptionId"],
        authority=addresses["activeDirectoryEndpointUrl"].rstrip("/"),
        manager=addresses["resourceManagerEndpointUrl"].rstrip("/"),
    )


def _object_in(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    if not isinstance(given, dict):
        raise _wrong("it is JSON, but no object")
    if {"appId", "password", "tenant"} & given.keys() and "clientId" not in given:
        raise _wrong(
            "it is the short form (appId, password, tenant), which lacks the subscription: "
            "make it with --json-auth"
        )
    return given


def _missing(given: Mapping[str, Any]) -> list[str]:
    lacking = (name for name in PARTS if not isinstance(given.get(name), str) or not given[name])
    return [f"{name} is missing ({PARTS[name]})" for name in lacking]


def _malformed(given: Mapping[str, Any]) -> list[str]:
    """Ids that are none; addresses without TLS, to which no token may go.

    Only the subscription is shown: people give its name. Another value may be a secret, misplaced.
    """
    faults = [
        f"{name} is {repr(value) + ', ' if name == 'subscriptionId' else ''}no id such as {EXAMPLE}"
        for name in IDS
        if isinstance(value := given.get(name), str) and value and not GUID.fullmatch(value)
    ]
    for name, default in PUBLIC.items():
        place = urlsplit(str(given.get(name) or default))
        if place.scheme != "https" or not place.hostname or place.username:
            faults.append(f"{name} is no https address")
    return faults


def _wrong(fault: str) -> InputError:
    return InputError(
        f"AZURE_CREDENTIALS cannot be used: {fault}",
        field="AZURE_CREDENTIALS",
        allowed="the JSON that `az ad sp create-for-rbac … --json-auth` prints",
        next=MADE_BY,
    )
