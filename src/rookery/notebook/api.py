"""Asking the API from a notebook: the one that runs, or one for as long as the notebook lives."""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from rookery.errors import InputError, NotPromoted, Unavailable
from rookery.jobs.project import open_project
from rookery.notebook.display import say
from rookery.settings import Settings

FOLLOWS_SECONDS = 20.0  # an API follows a promotion within two, on a machine that is not busy
STARTS_SECONDS = 60.0
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class _Own:
    """An API that this notebook started."""

    server: subprocess.Popen[bytes]
    address: str


_started: dict[str, _Own] = {}
_http = requests.Session()
_http.trust_env = False  # a proxy for the internet does not lead to this machine


def ask_api(record: Mapping[str, Any], task: str | None = None) -> dict[str, Any]:
    """The API's answer to one record, by the version that is promoted now.

    Asks the API at `API_HOST` and `API_PORT`. Where none serves the task, one is started on a free
    port, says so, and ends with the notebook.

    Raises:
        NotPromoted: no version is promoted. InputError: the record is not what the model takes.
        Unavailable: no API could be started.
    """
    project = open_project(task)
    name = project.task.name
    version = project.tracking.production(name)
    if version is None:
        raise NotPromoted.of(name, project.settings.model_alias)
    address = _running(project.settings, name, version) or _own(project.settings, name, version)
    answer = _http.post(
        f"{address}/predict", json=dict(record), headers=_key(project.settings), timeout=30
    )
    found: dict[str, Any] = answer.json()
    if not answer.ok:
        first = (found.get("errors") or [{}])[0]
        raise InputError(
            f"the API at {address} answered {answer.status_code}: {found.get('detail')}",
            field=first.get("field"),
            value=first.get("value"),
            allowed=first.get("allowed"),
        )
    pages = project.settings.api_ui_url or address
    say(f"Answered by the API at {address} ([its pages]({pages.rstrip('/')}/docs))")
    return found


def _running(settings: Settings, name: str, version: str) -> str | None:
    """The address of the task in the API that runs already."""
    host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host  # noqa: S104
    base = f"http://{host}:{settings.api_port}"
    return next(
        (place for place in (base, f"{base}/models/{name}") if _follows(place, name, version)), None
    )


def _follows(address: str, name: str, version: str) -> bool:
    """Whether an API serves the task there, and comes to serve this version of it."""
    deadline = time.monotonic() + FOLLOWS_SECONDS
    while (served := _serves(address)) and served[0] == name:
        if served[1] == version:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return False


def _serves(address: str) -> tuple[str, str] | None:
    """Model and version that are ready there; None where no API of ours answers."""
    try:
        found = _http.get(f"{address}/ready", timeout=5).json()
        return str(found["model"]), str(found["version"])
    except (requests.RequestException, KeyError, TypeError):  # nothing there, or another program
        return None


def _own(settings: Settings, name: str, version: str) -> str:
    own = _started.get(name)
    if own is None or own.server.poll() is not None:
        own = _started[name] = _start(name)
        say(
            f"No API serves version {version} of {name} at "
            f"{settings.api_host}:{settings.api_port} (`rookery serve` starts one), so this "
            f"notebook started one of its own at {own.address}; it ends with the notebook."
        )
    if not _follows(own.address, name, version):
        raise Unavailable(
            f"the API at {own.address} does not come to serve version {version} of {name}",
            field="version",
            value=version,
            next="rookery serve",
        )
    return own.address


def _start(name: str) -> _Own:
    """An API process of this task alone, ready to answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # the child reads its settings itself; these are the ones in which it differs
    differs = {"PORT": str(port), "API_HOST": "127.0.0.1", "MODEL_NAMES": name}
    log = tempfile.TemporaryFile()  # noqa: SIM115 - the server's, as long as it runs
    server = subprocess.Popen(
        [sys.executable, "-m", "rookery.cli", "serve"],
        env=os.environ | differs,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    atexit.register(_stop, server)
    own = _Own(server, f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + STARTS_SECONDS
    while _serves(own.address) is None:
        if server.poll() is not None or time.monotonic() > deadline:
            _stop(server)
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            raise Unavailable(
                f"the API did not start: {said[-1] if said else 'it said nothing'}",
                field="API",
                next="rookery serve",
            )
        time.sleep(PAUSE_SECONDS)
    return own


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()


def _key(settings: Settings) -> dict[str, str]:
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return {"X-API-Key": key} if key else {}
