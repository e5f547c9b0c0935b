"""Docker itself: versions, memory and disk."""

from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

from rookery.jobs.doctor.findings import Finding, Level, error, fine, warning
from rookery.jobs.doctor.machine import GIB, room
from rookery.stack.doctor.docker import Docker, version

# start_interval of a health check is the newest thing that the compose file asks for
ENGINE, COMPOSE = (25, 0), (2, 20)
# idle the six servers take 1.1 GB, at the peak of the notebooks 2.2 GB
MEMORY_NEEDED, MEMORY_LEAST = 2.5 * GIB, 1.5 * GIB
INSTALL = "install it: https://docs.docker.com/engine/install/"


def engine(docker: Docker) -> Iterator[Finding]:
    """What `docker compose up` needs; only a warning where nobody has called it yet."""
    if not docker.installed:
        yield fine("not installed; the stack needs it, the embedded mode does not")
        return
    level = docker.level
    if "info" in docker.faults or not docker.engine:
        fault = docker.faults.get("info", "it says nothing")
        mend = "start Docker Desktop, or: sudo systemctl start docker; the embedded mode needs none"
        yield Finding("warning", f"the engine does not answer: {fault}", mend)
    else:
        yield _new_enough("engine", str(docker.engine.get("ServerVersion", "")), ENGINE, level)
    if docker.compose:
        yield _new_enough("Compose", docker.compose, COMPOSE, level)
    else:
        yield Finding(level, "docker compose is missing", INSTALL.replace("engine", "compose"))
    if not docker.buildx:
        yield Finding(level, "docker buildx is missing, which builds the images", INSTALL)


def _new_enough(name: str, found: str, least: tuple[int, ...], level: Level) -> Finding:
    if version(found) >= least:
        return fine(f"{name} {found}")
    asked = ".".join(map(str, least))
    return Finding(level, f"{name} {found} is older than {asked}, which the stack needs", INSTALL)


def memory(docker: Docker) -> Iterator[Finding]:
    """On a Mac and on Windows the engine has a machine of its own with less memory."""
    total = docker.engine.get("MemTotal")
    if not total:
        return
    said = f"{total / GIB:.1f} GiB for containers"
    mend = "Docker Desktop: Settings, Resources, Memory; elsewhere: a machine with more"
    if total >= MEMORY_NEEDED:
        yield fine(said)
    elif total >= MEMORY_LEAST:
        yield warning(f"{said}, {MEMORY_NEEDED / GIB:.1f} are better for a sweep", mend)
    else:
        yield error(f"{said}, the stack needs {MEMORY_LEAST / GIB:.1f}", mend)


def disk(docker: Docker) -> Iterator[Finding]:
    """Where the engine keeps images and volumes, if that is on this machine."""
    root = Path(docker.engine.get("DockerRootDir") or "/nowhere")
    try:
        free = disk_usage(root).free / GIB
    except OSError:  # in the machine of Docker Desktop
        return
    yield room(free, root, "make room: docker builder prune; docker image prune")


def configuration(docker: Docker) -> Iterator[Finding]:
    """Whether Compose can read the file with this .env."""
    fault = docker.faults.get("compose config")
    if fault:
        mend = "correct .env; docker compose config --quiet shows whether it is right"
        yield error(f"Compose cannot read the stack: {fault}", mend)
    image = docker.services.get("minio", {}).get("image", "")
    if image.removeprefix("docker.io/").startswith(("minio/minio", "minio/mc")):
        yield error(
            f"MINIO_IMAGE={image}: these images were deleted from Docker Hub in September 2026",
            "remove MINIO_IMAGE from .env: the stack builds MinIO from its last source",
        )


def exposure(docker: Docker) -> Iterator[Finding]:
    """Docker's rules for published ports come before those of a firewall such as ufw."""
    addresses = {port.address for port in docker.ports.values()}
    for address in sorted(addresses):
        if not (address.startswith("127.") or address in ("::1", "localhost")):
            yield warning(
                f"BIND_ADDRESS={address}: the ports are open to the network, without encryption; "
                "a firewall such as ufw does not close them",
                "BIND_ADDRESS=127.0.0.1 in .env, then: docker compose up --detach",
            )
