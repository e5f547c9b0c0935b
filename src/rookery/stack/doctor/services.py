"""State of each service of the stack, as Compose tells it."""

from collections.abc import Iterator, Mapping
from typing import Any

from rookery.jobs.doctor.findings import Finding, error, fine, warning
from rookery.stack.doctor.docker import Docker

UP = "docker compose up --detach"


def services(docker: Docker) -> Iterator[Finding]:
    """One line for all that is well, and one for each service that is not."""
    if not docker.containers:
        yield fine("the stack of this folder is not started: docker compose up")
        return
    if not docker.running:
        yield warning("the stack of this folder is stopped", UP)
        return
    by_service = {one["Service"]: one for one in docker.containers}
    well = []
    for name, service in docker.services.items():
        finding = state(name, service.get("restart") == "no", by_service.get(name))
        if finding.level == "ok":
            well.append(name)
        else:
            yield finding
    yield fine(f"well: {', '.join(well) or 'none'}")


def state(name: str, one_shot: bool, container: Mapping[str, Any] | None) -> Finding:
    """What is to be said of one service."""
    if container is None:
        return error(f"{name} has no container", f"{UP} {name}")
    now, health, code = container["State"], container.get("Health", ""), container["ExitCode"]
    logs = f"docker compose logs {name}"
    if now == "paused":
        return error(f"{name} is paused", f"docker compose unpause {name}")
    if now == "exited" and one_shot and code == 0:
        return fine(f"{name} is done")
    if now != "running" and one_shot:
        return error(f"{name} failed: {now}, exit code {code}", f"{logs}; then: {UP}")
    if now != "running":
        return error(f"{name} is not running: {now}, exit code {code}", f"{UP} {name}; {logs}")
    if health == "unhealthy":
        return error(f"{name} is unhealthy", logs)
    if health == "starting" or one_shot:
        return warning(f"{name} is not ready yet", f"wait a minute, then: {logs}")
    return fine(f"{name} is {health or now}")


def moved(docker: Docker) -> Iterator[Finding]:
    """Ports that were changed since their container was made."""
    for key, port in docker.ports.items():
        found = docker.published.get(key, (port.address, port.number))
        if found[1] != port.number:
            message = f"{port.variable} is {port.number} now, {key[0]} still runs at {found[1]}"
            yield warning(message, UP)
