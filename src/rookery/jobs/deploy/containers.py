"""The containers of one task on this machine's engine: their names, labels and limits."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from rookery.core.deployment_calls import Call
from rookery.jobs.deploy.outcome import Deployment
from rookery.jobs.image_check import PORT
from rookery.stores import engine
from rookery.stores.engine import State

LABEL = "rookery.deployment"
# beside what the engine's module confines every model to
LIMITS = (
    "--init",
    "--restart=unless-stopped",
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


def recover(names: Names) -> None:
    """Ends what a killed deployment left: a switch that was done, or one that was not."""
    new, now = engine.state(names.new), engine.state(names.now)
    if new is None:
        return
    # a first one, beside none that it took the place of, may not have passed its gate
    if now is None and new.running and engine.state(names.before) is not None:
        engine.rename(names.new, names.now)
        return
    engine.remove(names.new)
    if now is None and engine.state(names.before) is not None:
        engine.rename(names.before, names.now)
    if engine.state(names.now) is not None:
        engine.start(names.now)


def create(
    names: Names,
    image: str,
    port: int,
    labels: Mapping[str, str],
    environment: Mapping[str, str],
) -> None:
    """Makes the new container of a task, which does not run yet."""
    # in a file, because a command line can be read by every user of this machine
    with tempfile.NamedTemporaryFile("w", prefix="rookery-", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in environment.items())
        file.flush()
        engine.create(image, *options(names, port, labels), f"--env-file={file.name}")


def options(names: Names, port: int, labels: Mapping[str, str]) -> list[str]:
    """Those of `docker create`, without the environment."""
    described = {"": names.task, ".port": str(port), **labels}
    return [
        f"--name={names.new}",
        *engine.CONFINED,
        *LIMITS,
        f"--publish=127.0.0.1:{port}:{PORT}",
        *(f"--label={LABEL}{name}={value}" for name, value in described.items()),
    ]


def image_of(state: State) -> str:
    return state.labels.get(f"{LABEL}.image") or state.image


def port_of(state: State | None) -> int | None:
    """As it was created with: one that is stopped publishes none."""
    given = state.labels.get(f"{LABEL}.port", "") if state else ""
    return int(given) if given.isdecimal() else None


def shown(serving: State | None) -> str:
    """What serves, in words."""
    if serving is None or not serving.running:
        return "nothing serves, as before"
    version = serving.labels.get(f"{LABEL}.version", "?")
    address = f"http://localhost:{port_of(serving) or '?'}"
    return f"{image_of(serving)} (version {version}) serves at {address}"


def why_gone(container: str) -> str | None:
    """How a container ended, also where the engine has started it again; None while it lives."""
    state = engine.state(container)
    if state is None:
        return "its container was removed"
    if not state.running:
        return f"it ended with {state.exit_code}"
    return "it ended and was started again" if state.restarts else None


def planned(task: str, image: str | None, port: int) -> Deployment:
    """What would be called, without a look at the engine."""
    names = Names(task)
    named = image or f"<the image of {names.before}>"
    url = f"http://localhost:{port}"
    made = " ".join(options(names, port, {}))
    calls = [
        Call("docker", f"image inspect {named}", "or docker pull, where it is not here"),
        Call("rookery", f"package --check {named}", "at a port of its own, before anything"),
        Call("docker", f"create {made} {named}", "the new one"),
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
        image=named,
        url=url,
        dry_run=True,
        calls=calls,
    )
