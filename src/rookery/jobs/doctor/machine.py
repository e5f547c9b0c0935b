"""Python, memory, disk and names of this machine or container."""

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from rookery.jobs.doctor.findings import Finding, Level, error, fine, warning
from rookery.settings import Settings, project_root

GIB = 2**30
CGROUP = Path("/sys/fs/cgroup")


def python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield fine(f"Python {version} at {sys.executable}")


def disk(settings: Settings) -> Iterator[Finding]:
    """Room where the files of this project go."""
    place = settings.home if settings.home.exists() else project_root()
    free = shutil.disk_usage(place).free / GIB
    yield room(free, place, f"make room, or set ROOKERY_HOME elsewhere than {place}")


def room(free: float, place: Path, mend: str) -> Finding:
    level: Level = "ok" if free > 2 else "error" if free < 0.2 else "warning"
    return Finding(level, f"{free:.1f} GiB free at {place}", None if level == "ok" else mend)


def memory(cgroup: Path = CGROUP) -> Iterator[Finding]:
    free = min(psutil.virtual_memory().available, left_in_container(cgroup)) / GIB
    if free > 1:
        yield fine(f"{free:.1f} GiB free")
    else:
        yield warning(f"{free:.1f} GiB free", "close programs, or: rookery sweep --jobs 1")


def left_in_container(cgroup: Path) -> float:
    """Bytes up to the container's limit; what the kernel keeps of files gives way."""
    try:
        limit, used = ((cgroup / f"memory.{name}").read_text() for name in ("max", "current"))
        kept = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:  # no cgroups, or their first version
        return float("inf")
    if limit.strip() == "max":
        return float("inf")
    return int(limit) - int(used) + int(kept["inactive_file"])


def localhost() -> Iterator[Finding]:
    """Servers listen on 127.0.0.1, while links and clients say localhost."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo("localhost", None)}
    except OSError as failed:
        yield error(f"localhost has no address: {failed}", "add to /etc/hosts: 127.0.0.1 localhost")
        return
    if "127.0.0.1" in found:
        yield fine("localhost is 127.0.0.1")
    else:
        shown = ", ".join(sorted(found))
        mend = "add to /etc/hosts: 127.0.0.1 localhost; or open 127.0.0.1 instead"
        yield warning(f"localhost is {shown}, not 127.0.0.1", mend)
