"""The MLflow server of a CI job: the one that MLFLOW_URL names, or a throw-away one in a folder.

`start` ends when MLflow answers, or fails when it does not. Its address goes to standard output
and, in a workflow, to the steps that follow (`GITHUB_ENV`), as MLFLOW_TRACKING_URI. `stop` ends it;
what it holds stays in the folder, and the next `start` there goes on with it. `look` starts none.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
from servers import HOST, free_port, is_free, start, stop, stop_processes, typed

from rookery import text
from rookery.errors import InputError, RookeryError
from rookery.settings import get_settings

SERVING = "server.json"  # process, and since when, so that no other one of its number is stopped
# its runner of queued jobs is a dozen processes that nothing here needs
SMALL = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("do", choices=("start", "look", "stop"))
    parser.add_argument("--folder", type=Path, default=Path("mlflow-server"), metavar="DIR")
    parser.add_argument("--port", type=int, metavar="PORT", help="a free one if left out")
    parser.add_argument("--artifacts", metavar="URI", help="where files go; the folder if left out")
    given = parser.parse_args()
    try:
        if given.do == "stop":
            end(given.folder)
        elif os.environ.get("MLFLOW_URL"):
            hand_on(named())
        elif given.do == "look":
            raise InputError(
                "MLFLOW_URL names no server, so there is no version to look for",
                field="MLFLOW_URL",
                allowed="the address of an MLflow server, as a variable of the repository",
                next="set MLFLOW_URL; or deploy the model of a run of `build` by its number",
            )
        else:
            hand_on(throw_away(given.folder, given.port, given.artifacts))
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        return error.exit_code
    return 0


def named() -> str:
    """The server that MLFLOW_URL names, once it has answered.

    Raises:
        Unavailable: nothing answers there. InputError: something else than MLflow does.
    """
    from rookery.stores.connection import check_server  # takes MLflow along, which takes seconds

    settings = get_settings()
    check_server(settings)
    return settings.tracking_uri


def throw_away(
    folder: Path,
    port: int | None = None,
    artifacts: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Starts a server over the folder; it hands artifacts on, so that clients need no keys.

    Raises:
        Unavailable: it did not come up. InputError: the port is taken.
    """
    end(folder)
    if port is not None and not is_free(port):
        mend = f"{typed('python')} scripts/mlflow_server.py start --port {free_port()}"
        raise InputError(f"port {port} is taken", field="--port", value=port, next=mend)
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    options = {
        "--backend-store-uri": f"sqlite:///{folder.resolve() / 'mlflow.db'}",
        "--artifacts-destination": artifacts or str(folder.resolve() / "artifacts"),
        "--host": HOST,
        "--port": str(port),
        "--workers": "1",
        "--allowed-hosts": f"localhost:{port},{HOST}:{port}",
    }
    command = ["mlflow", "server", *(part for option in options.items() for part in option)]
    url = f"http://{HOST}:{port}"
    route = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"  # /health asks no store
    server = start("MLflow", command, route, folder / "server.log", SMALL | dict(environment or {}))
    try:
        server.wait()
    except BaseException:
        stop([server])
        raise
    since = {"pid": server.process.pid, "since": server.process.create_time()}
    (folder / SERVING).write_text(json.dumps(since), encoding="utf-8")
    return url


def end(folder: Path) -> None:
    """Stops the server that was started over the folder, if it runs."""
    path = folder / SERVING
    if not path.exists():
        return
    said = json.loads(path.read_text(encoding="utf-8"))
    if psutil.pid_exists(said["pid"]):
        process = psutil.Process(said["pid"])
        if abs(process.create_time() - said["since"]) < 1:
            stop_processes([process])
    path.unlink()


def hand_on(url: str) -> None:
    if target := os.environ.get("GITHUB_ENV"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"MLFLOW_TRACKING_URI={url}\n")
    print(f"MLFLOW_TRACKING_URI={url}")


if __name__ == "__main__":
    # a variable that a repository does not set reaches a workflow empty
    for name in ("MLFLOW_URL", "MLFLOW_TRACKING_URI"):
        if os.environ.get(name) == "":
            del os.environ[name]
    sys.exit(main())
