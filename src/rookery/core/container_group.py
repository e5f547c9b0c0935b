"""A container group of Azure Container Instances, as plain data in the form of its REST API."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rookery.errors import InputError, Refused

API_VERSION = "2023-05-01"
PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)\}")
# what Azure's own message says of both
LABEL = re.compile(r"[a-z][a-z0-9-]{3,61}[a-z0-9]")
LABEL_RULE = "5 to 63 lowercase letters, digits and hyphens; first a letter, last no hyphen"
NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){0,62}")
# https://learn.microsoft.com/azure/container-instances/container-instances-update
FIXED = {
    "osType": ("properties", "osType"),
    "restartPolicy": ("properties", "restartPolicy"),
    "cpu": ("resources", "requests", "cpu"),
    "memoryInGB": ("resources", "requests", "memoryInGB"),
}
SECRET_KEYS = frozenset({"password", "secureValue", "storageAccountKey", "workspaceKey"})
HIDDEN = "***"
PREVIOUS = "rookery-previous-image"  # a tag
SHORTEST_SECRET = 4  # to hide every `a` of a text would hide nothing

Group = dict[str, Any]


def dns_label(given: str | None, task: str) -> str:
    """The first part of the address: as set, or made of the task's name.

    Raises:
        InputError: Azure would refuse it.
    """
    label = given or group_name(task)
    if not LABEL.fullmatch(label):
        raise InputError(
            f"the DNS label {label!r} is not one that Azure takes",
            field="AZURE_DNS_LABEL",
            value=label,
            allowed=LABEL_RULE,
        )
    return label


def group_name(task: str) -> str:
    """Of the task's name, whose letters Azure takes but for underscores, and those not doubled."""
    return "rookery-" + re.sub("_+", "-", task).strip("-")


def filled(template: Any, values: Mapping[str, str | None]) -> Group:
    """The template with every `${NAME}` replaced; entries of lists and tags that lack theirs go.

    Raises:
        InputError: a name is unknown, or not set where it has to be.
    """
    if not isinstance(template, dict):
        raise _no_group("it is no mapping")
    known = sorted(values)
    if unknown := sorted({name for name in _names(template) if name not in values}):
        raise _no_group(f"${{{unknown[0]}}} is none of {', '.join(known)}")
    kept = _without_lacking(template, values)
    if lacking := sorted({name for name in _names(kept) if not values[name]}):
        raise InputError(
            f"{lacking[0]} is not set", field=lacking[0], allowed="see docs/settings.md"
        )
    group: Group = _filled(kept, values)
    if not NAME.fullmatch(str(group.get("name"))):
        raise _no_group(f"name: {group.get('name')!r} is not one that Azure takes")
    # without quotes, YAML reads it as a date
    if str(group.get("apiVersion", API_VERSION)) != API_VERSION:
        raise _no_group(f"apiVersion: {group['apiVersion']} is not {API_VERSION}")
    return group


def _filled(part: Any, values: Mapping[str, str | None]) -> Any:
    if isinstance(part, str):
        return PLACEHOLDER.sub(lambda found: str(values[found[1]]), part)
    if isinstance(part, list):
        return [_filled(each, values) for each in part]
    if isinstance(part, dict):
        return {name: _filled(each, values) for name, each in part.items()}
    return part


def _without_lacking(part: Any, values: Mapping[str, str | None], *, tags: bool = False) -> Any:
    if isinstance(part, list):
        return [_without_lacking(each, values) for each in part if not _lacks(each, values)]
    if isinstance(part, dict):
        return {
            name: _without_lacking(each, values, tags=name == "tags")
            for name, each in part.items()
            if not (tags and _lacks(each, values))
        }
    return part


def _lacks(entry: Any, values: Mapping[str, str | None]) -> bool:
    """Whether a text, or one directly in a mapping, holds a name that is not set."""
    texts = entry.values() if isinstance(entry, dict) else [entry]
    names = (name for each in texts if isinstance(each, str) for name in _names(each))
    return any(not values.get(name) for name in names)


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield from PLACEHOLDER.findall(part)
    elif isinstance(part, (dict, list)):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _names(each)


def _no_group(fault: str) -> InputError:
    return InputError(
        f"the file is no container group that can be deployed: {fault}",
        field="--file",
        allowed="what `az container create --file` takes, such as deploy/aci/container-group.yaml",
    )


def container(group: Mapping[str, Any]) -> dict[str, Any]:
    """The container that serves the model: the first one.

    Raises:
        InputError: there is none.
    """
    found = group.get("properties", {}).get("containers") or []
    if not found:
        raise _no_group("it has no containers")
    return dict(found[0])


def image_of(group: Mapping[str, Any]) -> str:
    return str(container(group)["properties"]["image"])


def port_of(group: Mapping[str, Any]) -> int:
    """The first port that is open to the outside.

    Raises:
        InputError: there is none.
    """
    ports = group.get("properties", {}).get("ipAddress", {}).get("ports") or []
    if not ports:
        raise _no_group("properties.ipAddress.ports is missing")
    return int(ports[0]["port"])


def registry_of(image: str) -> str:
    """The host of an image's registry; `docker.io` where the name has none."""
    first, slash, _ = image.partition("/")
    named = slash and (first == "localhost" or "." in first or ":" in first)
    return first if named else "docker.io"


def refuse_fixed(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Azure changes some properties of a group only by deleting it, which is the user's to do.

    Raises:
        Refused: naming each of them, as it is and as it would be.
    """
    differences = [
        f"{name} is {before}, not {after}"
        for name, path in FIXED.items()
        if (before := _at(old, path)) is not None and before != (after := _at(new, path))
    ]
    if differences:
        raise Refused(
            f"the group {old.get('name')} cannot be updated in place: {'; '.join(differences)}",
            field="--file",
            allowed="the same values, or no group of that name",
            next=f"az container delete --name {old.get('name')} --resource-group …",
        )


def _at(group: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = group if path[0] == "properties" else container(group)["properties"]
    for key in path:
        found = (found or {}).get(key)
    return found


def restored(old: Group, new: Group) -> tuple[Group, list[str]]:
    """The group as it was, with secrets again, and what could not be given back.

    Azure does not hand out secrets: they are taken from the new group, by server and by name of
    the variable.
    """
    properties = dict(old["properties"])
    passwords = {each["server"]: each for each in _credentials(new)}
    wanted = [each["server"] for each in _credentials(old)]
    lost = [f"the password of {server}" for server in wanted if server not in passwords]
    properties["imageRegistryCredentials"] = [passwords[s] for s in wanted if s in passwords]
    mounted = {each["name"]: each for each in new["properties"].get("volumes") or []}
    volumes = properties.get("volumes") or []
    lost += [f"the key of volume {v['name']}" for v in volumes if v["name"] not in mounted]
    properties["volumes"] = [mounted[v["name"]] for v in volumes if v["name"] in mounted]
    if "ipAddress" in properties:
        properties["ipAddress"] = {k: v for k, v in properties["ipAddress"].items() if k != "ip"}
    secrets = {each["name"]: each for each in _variables(container(new)) if "secureValue" in each}
    containers = []
    for each in properties["containers"]:
        variables = [secrets.get(v["name"], v) if _is_secret(v) else v for v in _variables(each)]
        lost += [f"the value of {v['name']}" for v in variables if _is_secret(v)]
        kept = [v for v in variables if not _is_secret(v)]
        containers.append(
            each | {"properties": each["properties"] | {"environmentVariables": kept}}
        )
    properties["containers"] = containers
    return old | {"properties": properties}, lost


def refuse_lost(old: Group, lost: Collection[str]) -> None:
    """A group that could not be put back whole, open to everybody or unable to pull, stays.

    Raises:
        Refused: naming what nobody knows here.
    """
    if lost:
        raise Refused(
            f"the group {old.get('name')} could not be put back if the new one failed: "
            f"{', '.join(lost)} is not known here",
            field="API_KEY" if "the value of API_KEY" in lost else "--file",
            allowed="what it was deployed with: API_KEY, ACR_NAME or DOCKERHUB_TOKEN, the file",
            next="set it and deploy again; to do without it, delete the group first: "
            f"az container delete --name {old.get('name')} --resource-group …",
        )


def _credentials(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    return group["properties"].get("imageRegistryCredentials") or []


def _variables(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    return one["properties"].get("environmentVariables") or []


def _is_secret(variable: Mapping[str, Any]) -> bool:
    """Azure shows a secret variable by its name alone."""
    return variable.get("value") is None and variable.get("secureValue") is None


def masked(part: Any, secrets: Collection[str] = ()) -> Any:
    """The same, with `***` for what stands where secrets stand, and for each of these values."""
    if isinstance(part, str):
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                part = part.replace(secret, HIDDEN)
        return part
    if isinstance(part, list):
        return [masked(each, secrets) for each in part]
    if isinstance(part, dict):
        hidden = {name for name, value in part.items() if name in SECRET_KEYS and value}
        return {k: HIDDEN if k in hidden else masked(v, secrets) for k, v in part.items()}
    return part
