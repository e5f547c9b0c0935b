"""MLflow's pages, JupyterLab and the API over the same files until Ctrl-C: `make local`."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from servers import HOST, Server, free_port, is_free, start, stop, typed

from rookery import text
from rookery.errors import InputError, RookeryError, Unavailable
from rookery.settings import Settings, get_settings, project_root


@dataclass(frozen=True)
class Planned:
    """A server that is to run; `mend` is how to move it to another port."""

    name: str
    port: int
    mend: str
    command: list[str]
    health: str
    page: str
    environment: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """0 after Ctrl-C or SIGTERM; 1 when a server ended by itself, 2 when a port is taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow-port", type=int, default=5005, metavar="PORT")
    parser.add_argument("--jupyter-port", type=int, default=8888, metavar="PORT")
    given = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    servers: list[Server] = []
    try:
        settings = get_settings()
        planned = plan(settings, given.mlflow_port, given.jupyter_port)
        check_ports(planned)
        show_status(planned[-1].environment)
        run(planned, servers, settings.home / "logs")
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
    finally:
        # a second Ctrl-C must not leave half of them running
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)
        stop(servers)
    return 0


def plan(settings: Settings, mlflow_port: int, jupyter_port: int) -> list[Planned]:
    """JupyterLab and the API, and MLflow's pages unless the settings name a server of its own."""
    pages, token, script = settings.mlflow_pages, secrets.token_urlsafe(24), "scripts/local.py"
    planned: list[Planned] = []
    if settings.artifact_root:
        pages = f"http://localhost:{mlflow_port}"
        mend = f"{typed('python')} {script} --mlflow-port {free_port()}"
        command = mlflow_command(settings.tracking_uri, settings.artifact_root, mlflow_port)
        # its runner of queued jobs is a dozen processes that nothing here needs
        small = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        if settings.azure:  # not on the command line; in whatever form it was given to us
            small["AZURE_STORAGE_CONNECTION_STRING"] = settings.azure[1].text
        planned.append(Planned("MLflow", mlflow_port, mend, command, "/health", pages, small))
    links = {"MLFLOW_UI_URL": pages}
    mend = f"{typed('python')} {script} --jupyter-port {free_port()}"
    lab = f"http://localhost:{jupyter_port}/lab/tree/01_ingest.ipynb?token={token}"
    # the token is not on the command line, where every user of the machine can read it
    secret = links | {
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": str(project_root() / "jupyter"),
    }
    command = jupyter_command(jupyter_port)
    planned.append(Planned("JupyterLab", jupyter_port, mend, command, "/api", lab, secret))
    port, mend = settings.api_port, f"API_PORT={free_port()} in the environment or in .env"
    docs, command = f"http://localhost:{port}/docs", ["rookery.cli", "serve"]
    return [*planned, Planned("API", port, mend, command, "/health", docs, links)]


def mlflow_command(tracking_uri: str, artifact_root: str, port: int) -> list[str]:
    """One process for the pages; artifacts stay where the jobs write and read them."""
    options = {
        "--backend-store-uri": tracking_uri,
        "--default-artifact-root": artifact_root,
        "--host": HOST,
        "--port": str(port),
        "--workers": "1",
        "--allowed-hosts": f"localhost:{port},{HOST}:{port}",
    }
    flat = [part for option in options.items() for part in option]
    return ["mlflow", "server", "--no-serve-artifacts", *flat]


def jupyter_command(port: int) -> list[str]:
    """Settings of this one run; the user's own stay as they are."""
    options = {
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": project_root() / "notebooks",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    # root, in a container, is refused without --allow-root
    return ["jupyterlab", "--no-browser", "--allow-root", *given]


def check_ports(planned: Sequence[Planned]) -> None:
    """Raises InputError for the first port that is taken, with the way around it."""
    for one in planned:
        if not is_free(one.port):
            message = f"port {one.port}, for {one.name}, is taken"
            raise InputError(message, value=one.port, next=one.mend)


def show_status(links: Mapping[str, str]) -> None:
    """Prints where the task stands; also makes MLflow's tables before two servers try at once."""
    command = [sys.executable, "-m", "rookery.cli", "status"]
    if subprocess.run(command, env={**os.environ, **links}, check=False).returncode:
        raise Unavailable("nothing was started", next=f"{typed('rookery')} doctor")


def run(planned: Sequence[Planned], servers: list[Server], logs: Path) -> None:
    """Starts them all, prints where they are, and watches.

    Raises:
        Unavailable: one did not start, or ended.
    """
    for one in planned:
        url, log = f"http://{HOST}:{one.port}{one.health}", logs / f"{one.name.lower()}.log"
        servers.append(start(one.name, one.command, url, log, one.environment))
    for server in servers:
        server.wait()
    places = {one.name: one.page for one in planned} | {"logs": str(logs)}
    print("\n" + "\n".join(f"{name:<12}{place}" for name, place in places.items()))
    print("\nCtrl-C stops them all", flush=True)
    while True:
        for server in servers:
            server.check()
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
