"""`rookery doctor`: the project, and the stack that it is beside or inside of."""

import socket
import time
from functools import partial
from pathlib import Path

from rookery.errors import RookeryError
from rookery.jobs.doctor import Check, Finding, collect, port_checks, project_checks
from rookery.jobs.doctor.ports import ports
from rookery.settings import get_settings, project_root
from rookery.stack.doctor import endpoints, engine, folders, planted, services
from rookery.stack.doctor.docker import Docker, look

KEYS = Path("/run/keys")
MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
SECONDS = 13.0


def doctor() -> list[Finding]:
    """Looks at everything, and goes on when something fails; raises nothing."""
    started = time.monotonic()
    if is_inside():
        checks = [*project_checks(), *inside()]
    elif (project_root() / "docker-compose.yaml").is_file():
        docker = look(project_root())
        checks = [*project_checks(used_embedded=not docker.containers), *beside(docker)]
    else:
        checks = [*project_checks(), *port_checks()]
    found = collect(checks, SECONDS - (time.monotonic() - started))
    areas = list(dict.fromkeys(finding.area for finding in found))
    return sorted(found, key=lambda finding: areas.index(finding.area))


def is_inside() -> bool:
    """Whether this runs in a container of the stack, which is given its keys in one place."""
    return KEYS.is_dir() and any(mark.exists() for mark in MARKS)


def inside() -> list[Check]:
    """As seen from the network of the stack, by the service whose container this is."""
    try:
        places = endpoints.inside(get_settings().tracking_uri)
    except RookeryError:  # which the check of the settings says
        places = endpoints.inside("")
    found = [Check("container", "place", _place)]
    return [
        *found,
        Check("container", "folders", partial(folders.mounted, project_root())),
        *endpoints.checks(places),
    ]


def _place() -> list[Finding]:
    return [Finding("ok", f"inside the container of {socket.gethostname()}")]


def beside(docker: Docker) -> list[Check]:
    """As seen from the host: Docker, ports, folders, services and their published ports."""
    found = [Check("docker", "docker", partial(engine.engine, docker))]
    if docker.installed:  # else no container ever wrote here
        found.append(Check("docker", "planted", partial(planted.planted, docker.folder)))
    if not docker.services:
        found.append(Check("docker", "stack", partial(engine.configuration, docker)))
        return [*found, *port_checks()]
    wanted = list(docker.ports.values())
    held = (docker.own_ports, docker.others, docker.level)
    places = {
        key: endpoints.published(*place)
        for key, place in docker.published.items()
        if key[0] in docker.services
    }
    return [
        *found,
        Check("docker", "stack", partial(engine.configuration, docker)),
        Check("docker", "memory", partial(engine.memory, docker)),
        Check("docker", "disk", partial(engine.disk, docker)),
        Check("docker", "folders", partial(folders.folders, docker)),
        Check("docker", "services", partial(services.services, docker)),
        Check("ports", "ports", partial(ports, wanted, *held)),
        Check("ports", "moved", partial(services.moved, docker)),
        Check("ports", "exposure", partial(engine.exposure, docker)),
        *(endpoints.checks(places) if places else []),
    ]
