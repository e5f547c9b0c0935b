"""A model's image on this machine's engine, in place of the one before, at one fixed port."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from rookery.errors import InputError, Interrupted, RookeryError, Unavailable
from rookery.jobs.deploy.containers import (
    Names,
    create,
    image_of,
    port_of,
    recover,
    shown,
    why_gone,
)
from rookery.jobs.deploy.gate import require_answers, require_model, require_staying
from rookery.jobs.deploy.outcome import Deployment, refused
from rookery.jobs.image_check import PORT, ImageCheck, check_image, examples_in
from rookery.jobs.stopping import stops_raise
from rookery.settings import Settings
from rookery.stores import engine
from rookery.stores.engine import State

LOOK_SECONDS = 0.25
# what the engine says where a port has an owner, itself or the system
TAKEN = ("already allocated", "already in use")


@dataclass(frozen=True)
class Wish:
    """What is to serve, where, and how long it is looked at."""

    names: Names
    image: str  # as people call it
    checked: ImageCheck
    port: int
    environment: dict[str, str]
    wait: float
    watch: float

    @property
    def key(self) -> str | None:
        """What clients must send."""
        return self.environment.get("API_KEY")


def deploy_local(
    settings: Settings,
    task: str,
    image: str | None,
    *,
    port: int | None,
    wait: float,
    watch: float,
) -> Deployment:
    """As `rookery.jobs.deploy.deploy`; without an image, the one that served before.

    It is checked at a port of its own first, while the old one serves on. Then the old one is
    stopped, which frees the port, and the new one started there.
    """
    names = Names(task)
    engine.require()
    with _alone(settings, task):
        recover(names)
        named, reference = (image, image) if image else _served_before(names)
        serving = engine.state(names.now)
        try:
            checked = check_image(reference, wait)
        except InputError:
            raise
        except RookeryError as error:
            raise refused(error, named, shown(serving)) from error
        require_model(checked.model, named, task)
        wish = Wish(
            names=names,
            image=named,
            checked=checked,
            port=port or port_of(serving) or settings.deploy_port,
            environment=_environment(settings),
            wait=wait,
            watch=watch,
        )
        with stops_raise():
            return _switch(wish, serving)


@contextmanager
def _alone(settings: Settings, task: str) -> Iterator[None]:
    """One deployment of a task at a time.

    Raises:
        Unavailable: another one is under way.
    """
    folder = settings.home / "deployments"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{task}.lock", timeout=0):
            yield
    except Timeout:
        raise Unavailable(
            f"another deployment of {task} is under way", next="the same command, when it is done"
        ) from None


def _served_before(names: Names) -> tuple[str, str]:
    """The image before, as people call it, and what it is for sure."""
    before = engine.state(names.before)
    if before is None:
        raise InputError(
            f"nothing of {names.task} was deployed here before the present one",
            field="--rollback",
            allowed="a task that was deployed twice",
            next=f"rookery deploy {names.task} --image NAME:TAG",
        )
    return image_of(before), before.image


def _environment(settings: Settings) -> dict[str, str]:
    given = {
        "PORT": str(PORT),
        "API_KEY": settings.api_key.get_secret_value() if settings.api_key else "",
        "API_ALLOWED_HOSTS": ",".join(settings.api_allowed_hosts or ()),
    }
    return {name: value for name, value in given.items() if value}


def _switch(wish: Wish, serving: State | None) -> Deployment:
    """From the old to the new; whatever happens on the way, one of them serves at the end."""
    names = wish.names
    _create(wish, serving)
    try:
        away = _take_place(wish, serving)
    except BaseException as error:
        log = ""
        with suppress(RookeryError):  # the old one has to come back, whatever fails here
            log = engine.logs(names.new)
        with suppress(RookeryError):
            engine.remove(names.new)
        now, returned = _put_back(wish, serving)
        if isinstance(error, KeyboardInterrupt):
            error = Interrupted(str(error))
        if isinstance(error, RookeryError):
            named = _port_named(error, wish)
            raise refused(named, wish.image, now, log, returned=returned) from error
        raise
    _keep(names, serving, wish.checked.id)
    engine.rename(names.new, names.now)
    return Deployment(
        task=names.task,
        target="local",
        image=wish.image,
        url=f"http://localhost:{wish.port}",
        previous=image_of(serving) if serving else None,
        model=wish.checked.model,
        version=wish.checked.version,
        away_seconds=round(away, 2) if serving and serving.running else None,
    )


def _keep(names: Names, serving: State | None, image: str) -> None:
    """What was replaced is the one to go back to; not if it was the same image again."""
    if serving is not None and serving.image == image and engine.state(names.before) is not None:
        engine.remove(names.now)
    elif serving is not None:
        engine.remove(names.before)
        engine.rename(names.now, names.before)


def _create(wish: Wish, serving: State | None) -> None:
    labels = {
        ".image": wish.image,
        ".version": wish.checked.version,
        ".at": datetime.now(UTC).isoformat(timespec="seconds"),
        ".previous": image_of(serving) if serving else "",
    }
    found = engine.image(wish.image)
    # by its name, for `docker ps`, while that means what was checked
    image = wish.image if found and found.id == wish.checked.id else wish.checked.id
    create(wish.names, image, wish.port, labels, wish.environment)


def _take_place(wish: Wish, serving: State | None) -> float:
    """Stops the old one and starts the new one; the seconds for which nothing answered.

    Raises:
        Refused: it does not come up, answers otherwise, or does not stay.
    """
    new, address = wish.names.new, _address(wish.port)
    examples = examples_in(new, wish.image)
    began = time.monotonic()
    if serving is not None:
        engine.stop(wish.names.now)
    engine.start(new)
    require_answers(address, examples, wish.wait, wish.key, lambda: why_gone(new) is not None)
    away = time.monotonic() - began
    require_staying(lambda: why_gone(new), wish.watch, LOOK_SECONDS)
    require_answers(address, examples, wish.wait, wish.key)
    return away


def _put_back(wish: Wish, serving: State | None) -> tuple[str, bool]:
    """Has the old one serve again; what serves now, in words, and whether that is as before."""
    if serving is None:
        return shown(None), True
    now, old = wish.names.now, image_of(serving)
    try:
        engine.start(now)
        address = _address(port_of(serving) or wish.port)
        key = serving.environment.get("API_KEY")  # its own, which may be another by now
        require_answers(address, examples_in(now, old), wish.wait, key)
    except RookeryError as error:
        return f"nothing serves: {old} could not be put back ({error.message})", False
    return f"{shown(engine.state(now))}, put back", True


def _address(port: int) -> str:
    """Not by name, which may lead to an address that nothing is published on."""
    return f"http://127.0.0.1:{port}"


def _port_named(error: RookeryError, wish: Wish) -> RookeryError:
    """What the engine says of a taken port, with the setting that chooses another."""
    if not isinstance(error, Unavailable) or not any(said in error.message for said in TAKEN):
        return error
    return Unavailable(
        f"port {wish.port} of this machine is taken",
        field="docker",
        value=wish.port,
        allowed="a port that nothing listens on",
        next=f"rookery deploy {wish.names.task} --port N, or DEPLOY_PORT",
    )
