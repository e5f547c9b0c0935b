"""A model's image on Azure Container Instances, in place of the one before."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.core.azure_credentials import read_credentials
from rookery.core.container_group import (
    PREVIOUS,
    Group,
    container,
    filled,
    image_of,
    port_of,
    refuse_fixed,
    refuse_lost,
    restored,
)
from rookery.core.examples import Examples
from rookery.errors import InputError, Interrupted, RookeryError, Unavailable
from rookery.jobs.deploy.gate import examples_of_image, require_answers, require_staying
from rookery.jobs.deploy.group_values import group_values, pulled_as, read_template, required
from rookery.jobs.deploy.outcome import Deployment, refused
from rookery.jobs.stopping import stops_raise
from rookery.settings import Settings
from rookery.stores import engine

if TYPE_CHECKING:
    from rookery.stores.azure_containers import AzureContainers

PROVISION_SECONDS = 1200.0  # a large image on a new host takes minutes
LOOK_SECONDS = 3.0
ANY_IMAGE = "any/image"


def deploy_aci(
    settings: Settings,
    task: str,
    image: str | None,
    *,
    file: Path | None,
    wait: float,
    watch: float,
) -> Deployment:
    """As `rookery.jobs.deploy.deploy`; without an image, the one in the group's tag.

    Azure updates a group in place: it stops the old container, then starts the new one.
    """
    from rookery.stores.azure_containers import AzureContainers, validated

    template = read_template(file)
    given = pulled_as(settings, image) if image else None
    name = str(filled(template, group_values(settings, task, given or ANY_IMAGE))["name"])
    credentials = read_credentials(required(settings, "azure_credentials"))
    azure = AzureContainers(credentials, required(settings, "azure_resource_group"))
    old = azure.read(name)
    before = image_of(old) if old else None
    wanted = given or _served_before(old, name)
    earlier = _as_it_was(old, template, settings, task) if old else None
    examples = examples_of_image(wanted, task)
    # the same image again keeps the one to go back to
    back = before if before != wanted else _tagged(old)
    group = filled(template, group_values(settings, task, wanted, back, examples))
    validated(group)
    if old:
        refuse_fixed(old, group)
    key = settings.api_key.get_secret_value() if settings.api_key else None
    url = _Place(azure, task, key, wait, watch).replace(earlier, group, examples)
    return Deployment(
        task=task,
        target="aci",
        image=wanted,
        url=url,
        previous=before,
        model=examples.model,
        version=examples.version,
    )


def _as_it_was(old: Group, template: Any, settings: Settings, task: str) -> Group:
    """What is put back if the new one fails, with the secrets that its own image needs.

    Raises:
        Refused: a secret of it is not set here.
    """
    before = image_of(old)
    try:
        ours = filled(template, group_values(settings, task, before))
    except InputError:  # of a registry that no setting names
        ours = filled(template, group_values(settings, task, ANY_IMAGE))
    group, lost = restored(old, ours)
    refuse_lost(group, lost)
    return group


def _tagged(old: Group | None) -> str | None:
    """The image that a group says it ran before."""
    return ((old or {}).get("tags") or {}).get(PREVIOUS)


def _served_before(old: Group | None, name: str) -> str:
    found = _tagged(old)
    if not found:
        raise InputError(
            f"the group {name} does not say which image it ran before",
            field="--rollback",
            allowed=f"a group with the tag {PREVIOUS}",
            next="rookery deploy --target aci --image REGISTRY/NAME:TAG",
        )
    return found


@dataclass(frozen=True)
class _Place:
    """Where a group is put, and how it is looked at there."""

    azure: "AzureContainers"
    task: str
    key: str | None
    wait: float
    watch: float

    def replace(self, old: Group | None, new: Group, examples: Examples) -> str:
        """The address at which the new group answers; `old` is what is put back if it does not.

        Raises:
            Refused: it does not; the old one was put back. Unavailable: Azure did not take it.
            Interrupted: it was stopped, and the old one put back.
        """
        name = str(new["name"])
        with stops_raise():
            started = None
            try:
                started = self.azure.begin(name, new)
                self.azure.finish(started, name, PROVISION_SECONDS)
                url = self._address(new)
                require_answers(url, examples, self.wait, self.key)
                require_staying(lambda: self._why_gone(name), self.watch, LOOK_SECONDS)
                require_answers(url, examples, self.wait, self.key)
            except BaseException as error:
                if started is None and isinstance(error, (InputError, Unavailable)):
                    raise  # nothing was changed
                log = self.azure.logs(name, container(new)["name"])
                now, returned = self._put_back(old, name)
                if isinstance(error, KeyboardInterrupt):
                    error = Interrupted(str(error))
                if isinstance(error, RookeryError):
                    raise refused(error, image_of(new), now, log, returned=returned) from error
                raise
            return url

    def _address(self, group: Group) -> str:
        """By the name that Azure gave it, which holds more than the label."""
        found = self.azure.read(str(group["name"])) or {}
        place = found.get("properties", {}).get("ipAddress") or {}
        return f"http://{place.get('fqdn') or place.get('ip')}:{port_of(group)}"

    def _why_gone(self, name: str) -> str | None:
        """How the container ended, also where Azure has started it again."""
        found = self.azure.read(name)
        if found is None:
            return "the group was deleted"
        view: dict[str, Any] = container(found)["properties"].get("instanceView") or {}
        if not view.get("restartCount"):
            return None
        ended = view.get("previousState") or {}
        return f"it ended with {ended.get('exitCode')} and was restarted"

    def _put_back(self, old: Group | None, name: str) -> tuple[str, bool]:
        """Has the group be as it was; what serves now, in words, and whether that is as before."""
        try:
            if old is None:
                self.azure.delete(name, PROVISION_SECONDS)
                return "nothing serves, as before; the group was deleted again", True
            self.azure.finish(self.azure.begin(name, old), name, PROVISION_SECONDS)
            address = self._address(old)
            require_answers(address, self._examples_at_hand(image_of(old)), self.wait, self.key)
        except RookeryError as error:
            return f"nothing that is known to serve; {_unreturned(old)}: {error.message}", False
        return f"{image_of(old)} serves at {address}, put back", True

    def _examples_at_hand(self, image: str) -> Examples | None:
        """Those of an image that need not be pulled, or that may hold none."""
        try:
            known = engine.image(image) is not None
            return examples_of_image(image, self.task) if known else None
        except RookeryError:
            return None


def _unreturned(old: Group | None) -> str:
    return f"{image_of(old)} could not be put back" if old else "the group could not be deleted"
