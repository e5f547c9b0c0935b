"""`mlflow server` as people start it, on SQLite, for the time of a with-block."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import requests
from measuring import comes_to_rest, free_ports

START_SECONDS = 180


@contextmanager
def default_server(
    folder: Path, environ: Mapping[str, str], store: Path | None = None
) -> Iterator[str]:
    """The address of a server that answers and has come to rest; it ends with all its processes.

    Its metadata are in a file of its own, or in the SQLite file `store`.

    Raises:
        SystemExit: it does not answer in time; with the end of its log.
    """
    (port,) = free_ports(1)
    folder.mkdir()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{store or folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "server.log").open("w") as log:
        process = psutil.Popen(
            command, env=_with_scripts(environ), cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}", folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _with_scripts(environ: Mapping[str, str]) -> dict[str, str]:
    """It looks for uvicorn and its job runner on the path."""
    scripts = str(Path(sys.executable).parent)
    return dict(environ) | {"PATH": f"{scripts}{os.pathsep}{environ.get('PATH', '')}"}


def _wait(process: psutil.Popen, uri: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(uri) and comes_to_rest(partial(_cpu, process)):
            return
        time.sleep(0.5)
    raise SystemExit(f"mlflow server at {uri} did not start:\n{log.read_text()[-2000:]}")


def _answers(uri: str) -> bool:
    route = f"{uri}/api/2.0/mlflow/experiments/search?max_results=1"
    try:
        return requests.get(route, timeout=5).ok
    except requests.RequestException:
        return False


def _cpu(process: psutil.Popen) -> float:
    """CPU seconds of all its processes."""
    used = 0.0
    for member in [process, *process.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def _stop(process: psutil.Popen) -> None:
    members = [*process.children(recursive=True), process]
    for member in members:
        _signal(member, "terminate")
    _, alive = psutil.wait_procs(members, timeout=10)
    for member in alive:
        _signal(member, "kill")
    psutil.wait_procs(alive, timeout=10)


def _signal(member: psutil.Process, name: str) -> None:
    try:
        getattr(member, name)()
    except psutil.NoSuchProcess:  # ended by itself, or with its parent
        return
