"""Azurite, the emulator of Azure Blob: from npm, at the version and hashes of services/azurite."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock
from servers import HOST, Server, start_program

from rookery.errors import Unavailable

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "services" / "azurite"


def start_azurite(folder: Path, port: int) -> Server:
    """An emulator that keeps its blobs in the folder; `wait` for it.

    Raises:
        Unavailable: it is not installed, and npm cannot have it.
    """
    options = ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    command = [str(_program()), "--location", str(folder / "blobs"), "--blobHost", HOST]
    command += ["--blobPort", str(port), *options]
    # to a question without a key it says that it is none
    health = f"http://{HOST}:{port}/"
    return start_program("Azurite", command, health, folder / "log", {}, expected=400)


def _program() -> Path:
    """Installed the first time, and kept where `make clean` removes it."""
    lock = (SERVICE / "package-lock.json").read_bytes()
    place = ROOT / ".venv" / f"azurite-{hashlib.sha256(lock).hexdigest()[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock"):
        if not (place / "whole").exists():
            _install(place)
    return place / "node_modules" / ".bin" / "azurite-blob"


def _install(place: Path) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        raise Unavailable("Azurite needs Node.js and npm, which are not installed")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SERVICE / name, place / name)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Azurite cannot be had from npm: {done.stderr.strip()[-300:]}")
    (place / "whole").touch()
