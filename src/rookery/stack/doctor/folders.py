"""Whether the folders that containers write into can be written by their user."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from rookery.jobs.doctor.findings import Finding, Level, error, fine
from rookery.stack.doctor.docker import Docker

SHARED = ("notebooks", "tasks", "configs", "backups")


def folders(docker: Docker) -> Iterator[Finding]:
    """On the host: by the user that the compose file names, from owner and mode."""
    user = docker.services.get("jupyter", {}).get("user", "")
    rootless = any("rootless" in each for each in docker.engine.get("SecurityOptions") or ())
    if not user or rootless or sys.platform != "linux":
        return  # owners are translated on the way into the container
    uid, _, gid = user.partition(":")
    yield from writable_by(docker.folder, int(uid), int(gid or uid), docker.level)


def writable_by(root: Path, uid: int, gid: int, level: Level) -> Iterator[Finding]:
    wrong = 0
    for name in SHARED:
        if not (root / name).is_dir():
            wrong += 1
            yield Finding(level, f"{name}/ is missing; Docker makes it as root", f"mkdir {name}")
            continue
        refused = next((each for each in _contents(root / name) if not may(each, uid, gid)), None)
        if refused:
            wrong += 1
            shown = refused.relative_to(root)
            message = f"{shown} cannot be written by {uid}:{gid}, as whom the containers run"
            yield Finding(level, message, _mend(name, refused.stat(), uid, gid))
    if not wrong:
        yield fine(f"{', '.join(SHARED)} can be written by {uid}:{gid}")


def _contents(folder: Path) -> Iterator[Path]:
    """The folder and what lies directly in it; hidden files are not saved from a notebook."""
    yield folder
    yield from (each for each in sorted(folder.iterdir()) if not each.name.startswith("."))


def may(path: Path, uid: int, gid: int) -> bool:
    """Whether that user may write there; a folder must be entered too."""
    found = path.stat()
    needed = stat.S_IWOTH | (stat.S_IXOTH if path.is_dir() else 0)
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
    return uid == 0 or (found.st_mode >> shift) & needed == needed


def _mend(name: str, found: os.stat_result, uid: int, gid: int) -> str:
    chown = f"sudo chown -R {uid}:{gid} {name}"
    if found.st_uid in (0, uid):
        return chown if found.st_uid == 0 else f"chmod -R u+rwX {name}"
    owner = f"HOST_UID={found.st_uid} and HOST_GID={found.st_gid}"
    return f"{owner} in .env, then: docker compose up --detach; or: {chown}"


def mounted(root: Path) -> Iterator[Finding]:
    """Inside a container: by whom we run as."""
    there = [root / name for name in SHARED if (root / name).is_dir()]
    refused = [place for place in there if not os.access(place, os.W_OK)]
    uid, gid = os.getuid(), os.getgid()
    for place in refused:
        mend = _mend(place.name, place.stat(), uid, gid)
        yield error(f"{place} cannot be written by {uid}:{gid}", f"on the host: {mend}")
    if there and not refused:
        yield fine(f"{', '.join(map(str, there))} can be written by {uid}:{gid}")
