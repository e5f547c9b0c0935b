"""A model's image on this machine's engine, in place of the one before, at one fixed port."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from rookery.core.deployment_calls import Call
from rookery.errors import InputError, RookeryError, Unavailable
from rookery.jobs.deploy.gate import (
    PAUSE_SECONDS,
    require_answers,
    require_model,
    require_staying,
)
from rookery.jobs.deploy.outcome import Deployment, refused
from rookery.jobs.image_check import PORT, ImageCheck, check_image, examples_in
from rookery.settings import Settings
from rookery.stores import engine

LABEL = "rookery.deployment"
# beside what the engine's module confines every model to
LIMITS = (
    "--init",
    "--restart=unless-stopped",
    "--memory=1g",
    "--pids-limit=512",
    "--log-opt=max-size=10m",
    "--log-opt=max-file=3",
)


@dataclass(frozen=True)
class Names:
    """The containers of one task: what serves, what wants to, and what served before."""

    task: str

    @property
    def now(self) -> str:
        return f"rookery-model-{self.task}"

    @property
    def new(self) -> str:
        return f"{self.now}-new"

    @property
    def before(self) -> str:
        return f"{self.now}-previous"


@dataclass(frozen=True)
class Ports:
    """The port that was asked for, and the one of a task's first deployment where none was."""

    asked: int | None
    first: int

    def after(self, serving: "engine.State | None") -> int:
        """A deployment stays where it is unless another port is asked for."""
        return self.asked or _port_of(serving) or self.first


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

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def address(self) -> str:
        """Not by name, which may lead to an address that nothing is published on."""
        return f"http://127.0.0.1:{self.port}"


def deploy_local(
    settings: Settings,
    task: str,
    image: str | None,
    ports: Ports,
    *,
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
        _recover(names)
        shown, reference = (image, image) if image else _served_before(names)
        serving = engine.state(names.now)
        try:
            checked = check_image(reference, wait)
        except RookeryError as error:
            if isinstance(error, InputError):
                raise
            raise refused(error, shown, _shown(serving)) from error
        require_model(checked.model, shown, task)
        wish = Wish(
            names=names,
            image=shown,
            checked=checked,
            port=ports.after(serving),
            environment=_environment(settings),
            wait=wait,
            watch=watch,
        )
        return _switch(wish, serving)


@contextmanager
def _alone(settings: Settings, task: str) -> Iterator[None]:
    """One deployment of a task at a time.

    Raises:
        Unavailable: another one is under way.
    """
    folder = settings.home / "deployments"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{task}.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise Unavailable(
            f"another deployment of {task} is under way", next="the same command, when it is done"
        ) from None


def _recover(names: Names) -> None:
    """Ends what a killed deployment left: a switch that was done, or one that was not."""
    new, now = engine.state(names.new), engine.state(names.now)
    if new is None:
        return
    if now is None and new.running:
        engine.rename(names.new, names.now)
        return
    engine.remove(names.new)
    if now is None and engine.state(names.before) is not None:
        engine.rename(names.before, names.now)
    if engine.state(names.now) is not None:
        engine.start(names.now)


def _served_before(names: Names) -> tuple[str, str]:
    before = engine.state(names.before)
    if before is None:
        raise InputError(
            f"nothing of {names.task} was deployed here before the present one",
            field="--rollback",
            allowed="a task that was deployed twice",
            next=f"rookery deploy {names.task} --image NAME:TAG",
        )
    return _image_of(before), before.image


def _switch(wish: Wish, serving: "engine.State | None") -> Deployment:
    """From the old to the new; whatever happens on the way, one of them serves at the end."""
    names = wish.names
    _create(wish, serving)
    examples = examples_in(names.new, wish.image)
    stopped = time.monotonic()
    try:
        if serving is not None:
            engine.stop(names.now)
        engine.start(names.new)
        require_answers(
            wish.address, examples, wish.wait, wish.key, lambda: bool(_why_gone(names.new))
        )
        away = time.monotonic() - stopped
        require_staying(lambda: _why_gone(names.new), wish.watch, PAUSE_SECONDS)
        require_answers(wish.address, examples, wish.wait, wish.key)
    except BaseException as error:
        log = engine.logs(names.new)
        engine.remove(names.new)
        now, returned = _put_back(wish, serving)
        if isinstance(error, RookeryError):
            named = _port_named(error, wish)
            raise refused(named, wish.image, now, log, returned=returned) from error
        raise
    if serving is not None:
        engine.remove(names.before)
        engine.rename(names.now, names.before)
    engine.rename(names.new, names.now)
    return Deployment(
        task=names.task,
        target="local",
        image=wish.image,
        url=wish.url,
        previous=_image_of(serving) if serving else None,
        model=wish.checked.model,
        version=wish.checked.version,
        away_seconds=round(away, 2) if serving and serving.running else None,
    )


def _environment(settings: Settings) -> dict[str, str]:
    given = {
        "PORT": str(PORT),
        "API_KEY": settings.api_key.get_secret_value() if settings.api_key else "",
        "API_ALLOWED_HOSTS": ",".join(settings.api_allowed_hosts or ()),
    }
    return {name: value for name, value in given.items() if value}


def _create(wish: Wish, serving: "engine.State | None") -> None:
    labels = {
        LABEL: wish.names.task,
        f"{LABEL}.image": wish.image,
        f"{LABEL}.version": wish.checked.version,
        f"{LABEL}.port": str(wish.port),
        f"{LABEL}.at": datetime.now(UTC).isoformat(timespec="seconds"),
        f"{LABEL}.previous": _image_of(serving) if serving else "",
    }
    # in a file, because a command line can be read by every user of this machine
    with tempfile.NamedTemporaryFile("w", prefix="rookery-", encoding="utf-8") as environment:
        environment.writelines(f"{name}={value}\n" for name, value in wish.environment.items())
        environment.flush()
        engine.create(
            _name_or_id(wish),
            *_options(wish.names, wish.port, labels),
            f"--env-file={environment.name}",
        )


def _name_or_id(wish: Wish) -> str:
    """The name, for `docker ps`, while it means what was checked."""
    named = engine.image(wish.image)
    return wish.image if named and named.id == wish.checked.id else wish.checked.id


def _options(names: Names, port: int, labels: dict[str, str]) -> list[str]:
    return [
        f"--name={names.new}",
        *engine.CONFINED,
        *LIMITS,
        f"--publish=127.0.0.1:{port}:{PORT}",
        *(f"--label={name}={value}" for name, value in labels.items()),
    ]


def _put_back(wish: Wish, serving: "engine.State | None") -> tuple[str, bool]:
    """Has the old one serve again; what serves now, in words, and whether that is as before."""
    if serving is None:
        return _shown(None), True
    now, old = wish.names.now, _image_of(serving)
    address = f"http://127.0.0.1:{_port_of(serving) or wish.port}"
    try:
        engine.start(now)
        require_answers(address, examples_in(now, old), wish.wait, wish.key)
    except RookeryError as error:
        return f"nothing serves: {old} could not be put back ({error.message})", False
    return f"{_shown(engine.state(now))}, put back", True


def _shown(serving: "engine.State | None") -> str:
    if serving is None or not serving.running:
        return "nothing serves, as before"
    version = serving.labels.get(f"{LABEL}.version", "?")
    return (
        f"{_image_of(serving)} (version {version}) serves at "
        f"http://localhost:{_port_of(serving) or '?'}"
    )


def _image_of(state: "engine.State") -> str:
    return state.labels.get(f"{LABEL}.image") or state.image


def _port_of(state: "engine.State | None") -> int | None:
    """As it was created with: one that is stopped publishes none."""
    given = state.labels.get(f"{LABEL}.port", "") if state else ""
    return int(given) if given.isdecimal() else None


def _why_gone(container: str) -> str | None:
    """How a container ended, also where the engine has started it again; None while it lives."""
    state = engine.state(container)
    if state is None:
        return "its container was removed"
    if state.restarts or not state.running:
        return f"it ended with {state.exit_code}" if not state.running else "it ended and restarted"
    return None


def _port_named(error: RookeryError, wish: Wish) -> RookeryError:
    """What the engine says of a taken port, with the setting that chooses another."""
    if not isinstance(error, Unavailable) or not any(
        words in error.message for words in ("already allocated", "already in use")
    ):
        return error
    return Unavailable(
        f"port {wish.port} of this machine is taken",
        field="docker",
        value=wish.port,
        allowed="a port that nothing listens on",
        next=f"rookery deploy {wish.names.task} --port N, or DEPLOY_PORT",
    )


def planned(task: str, image: str | None, ports: Ports) -> Deployment:
    """What would be called, without a look at the engine."""
    names, port = Names(task), ports.after(None)
    shown = image or f"<the image of {names.before}>"
    url = f"http://localhost:{port}"
    options = " ".join(_options(names, port, {LABEL: task}))
    calls = [
        Call("docker", f"image inspect {shown}", "or docker pull, where it is not here"),
        Call("rookery", f"package --check {shown}", "at a port of its own, before anything"),
        Call("docker", f"create {options} {shown}", "the new one"),
        Call("docker", f"stop {names.now}", "where one serves: frees the port"),
        Call("docker", f"start {names.new}", "the new one, at the port"),
        Call("GET", f"{url}/health", "until it answers with 200"),
        Call("POST", f"{url}/predict", "with each example that the image holds"),
        Call("docker", f"rename {names.now} {names.before}", "kept, stopped, for --rollback"),
        Call("docker", f"rename {names.new} {names.now}", "done"),
        Call("docker", f"rm --force {names.new}", "if it is refused"),
        Call("docker", f"start {names.now}", "if it is refused: the one before"),
    ]
    return Deployment(
        task=task,
        target="local",
        image=shown,
        url=url,
        dry_run=True,
        changed=False,
        calls=calls,
    )
