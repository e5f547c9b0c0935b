"""Runs MLflow's tracking server in this one process.

`mlflow server` would do, but for what docs/adr/0009-mlflow-server.md has measurements of: it keeps
a second process of the same size, waits for ever on a Postgres that is there and does not answer,
and sends clients to the object store, which they cannot reach.
"""

import ipaddress
import os
import re
import select
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import artifacts
import database
import psycopg2
from psycopg2 import extensions

PORT = 5005
METRICS_PORT = 5006
METRICS_FOLDER = Path("/tmp/metrics")  # noqa: S108 a tmpfs of the container
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 the container's network decides
PROXIED = "mlflow-artifacts:/"
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 10
# longer than what Postgres itself gives a statement: its own error is the better one
ANSWER_SECONDS = STATEMENT_SECONDS + 2
SCHEMES = frozenset({"mlflow-artifacts", "runs", "models"})


def wants_auth(environ: Mapping[str, str]) -> bool:
    """Whether MLFLOW_AUTH asks for passwords; without them only loopback may be published.

    Raises:
        SystemExit: neither on nor off, or off while other addresses are published.
    """
    wish, bind = environ.get("MLFLOW_AUTH") or "on", environ.get("BIND_ADDRESS") or "127.0.0.1"
    if wish not in ("on", "off"):
        raise SystemExit(f"MLFLOW_AUTH is {wish!r}; it may be on or off. Correct it in .env")
    if wish == "off" and not is_loopback(bind):
        raise SystemExit(
            f"MLFLOW_AUTH=off would open MLflow to all who reach BIND_ADDRESS={bind}; it is "
            "allowed with 127.0.0.1 only. Set one of the two back in .env"
        )
    return wish == "on"


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def allowed_hosts(environ: Mapping[str, str]) -> list[str]:
    """Every `Host` that clients may name, from BIND_ADDRESS, MLFLOW_PORT, MLFLOW_ALLOWED_HOSTS."""
    port = environ.get("MLFLOW_PORT") or str(PORT)
    bind = environ.get("BIND_ADDRESS") or "127.0.0.1"
    names = ["localhost", "127.0.0.1"]
    if bind not in (*names, *EVERYWHERE):
        names.append(f"[{bind}]" if ":" in bind else bind)
    published = [f"{name}:{port}" for name in names] + (names if port == "80" else [])
    return [f"mlflow:{PORT}", *published, *added_hosts(environ, port)]


def added_hosts(environ: Mapping[str, str], port: str) -> Iterator[str]:
    """A name without a port counts with the published one, and alone: for a proxy before it.

    Raises:
        SystemExit: a name holds `*`.
    """
    for name in filter(None, map(str.strip, environ.get("MLFLOW_ALLOWED_HOSTS", "").split(","))):
        if "*" in name:
            raise SystemExit(
                f"MLFLOW_ALLOWED_HOSTS has {name!r}, which would let any web page talk to MLflow "
                "through its visitor's browser; name the hosts, divided by commas, in .env"
            )
        yield name
        if not re.search(r":\d+$", name):
            yield f"{name}:{port}"


def origins(hosts: Iterable[str]) -> list[str]:
    """Where pages that talk to this server may come from."""
    return [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]


def settings(environ: Mapping[str, str], uri: str, destination: str) -> dict[str, str]:
    """What `mlflow server` hands to its worker, and Postgres' own limit for a statement.

    The names are those of mlflow.server.constants, whose package reads them when it is imported.
    """
    hosts = allowed_hosts(environ)
    return {
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": PROXIED,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": destination,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "prometheus_multiproc_dir": str(METRICS_FOLDER),
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(hosts),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins(hosts)),
        "MLFLOW_AUTH_CONFIG_PATH": str(database.CONFIG),
        "PGOPTIONS": f"-c statement_timeout={STATEMENT_SECONDS}s",
    }


def secrets() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": database.key("mlflow_s3_access_key"),
        "AWS_SECRET_ACCESS_KEY": database.key("mlflow_s3_secret_key"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": database.key("flask_secret_key"),
    }


class Patience:
    """Waits for Postgres as libpq does, but not for ever; psycopg2's wait callback.

    The kernel answers for a frozen Postgres, so no TCP setting notices it. Raises
    OperationalError, upon which psycopg2 closes the connection and the pool makes another.
    Who wants to connect just after somebody waited in vain is refused at once.
    """

    def __init__(self) -> None:
        self.in_vain = -float("inf")

    def __call__(self, connection: Any) -> None:
        connecting = connection.status == extensions.STATUS_SETUP
        if connecting and time.monotonic() < self.in_vain + CONNECT_SECONDS:
            raise psycopg2.OperationalError("Postgres did not answer a moment ago")
        self.wait(connection, CONNECT_SECONDS if connecting else ANSWER_SECONDS)

    def wait(self, connection: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (state := connection.poll()) != extensions.POLL_OK:
            poll = select.poll()
            wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
            poll.register(connection.fileno(), wanted)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self.in_vain = time.monotonic()
                raise psycopg2.OperationalError(f"Postgres has not answered for {seconds} s")


def limit_store() -> None:
    """boto waits a minute for an answer, and asks five times."""
    import boto3
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=STATEMENT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
    )
    boto3.setup_default_session(botocore_session=session)


def refuse_location(artifact_uri: str, **_: Any) -> Any:
    from mlflow.exceptions import MlflowException

    raise MlflowException.invalid_parameter_value(
        f"This server keeps no artifacts at {artifact_uri!r}; leave artifact_location out when you "
        "create an experiment"
    )


def replace(module: ModuleType, name: str, own: object) -> None:
    """Puts our own in the place of one of MLflow's names, which another version may have renamed.

    Raises:
        SystemExit: there is no such name, so that nothing would be replaced.
    """
    if not hasattr(module, name):
        raise SystemExit(
            f"This MLflow has no {module.__name__}.{name}, which this server replaces, so that it "
            "would let through what it should not. Use the MLflow of mlflow/requirements.txt"
        )
    setattr(module, name, own)


def keep_to_the_store(azure: artifacts.Azure | None) -> None:
    """Artifacts go to the one store and nowhere else, and through this server only.

    MLflow would take any location an experiment names, folders of this container among them. It
    would also send clients to the store with signed links, to a name only containers know.
    """
    from mlflow.server import handlers
    from mlflow.store.artifact import artifact_repository_registry

    from rookery.stores.azure_blobs import use_azure

    registry = artifact_repository_registry._artifact_repository_registry
    kept = SCHEMES if azure else SCHEMES | {"s3"}
    for scheme in registry.get_registered_artifact_repositories().keys() - kept:
        registry.register(scheme, refuse_location)
    if azure:
        use_azure(*azure)
    else:
        limit_store()
    links = ("MultipartDownloadMixin", "MultipartUploadMixin", "PresignedUploadMixin")
    for ability in links:
        replace(handlers, ability, type(ability, (), {}))


def keep_reader_reading() -> None:
    """MLflow lets every user create experiments and models; the API's user has no need to."""
    from mlflow.server import auth

    replace(auth, "_can_create_in_workspace", lambda username: username != database.API_USER)


def application(uri: str, with_auth: bool, azure: artifacts.Azure | None) -> Any:
    """MLflow's ASGI application, its stores opened and their schema checked.

    Who calls it by a wrong name is told before any password is looked at.

    Raises:
        SystemExit: MLflow cannot use its database, or lacks a name that is replaced here.
    """
    from login import Login
    from mlflow.exceptions import MlflowException
    from mlflow.server import auth, fastapi_app, handlers
    from mlflow.server.fastapi_security import HostValidationMiddleware
    from origins import OwnPages

    keep_to_the_store(azure)
    keep_reader_reading()
    try:
        handlers.initialize_backend_stores(uri, uri, PROXIED)
        app = Login(auth.create_app()) if with_auth else fastapi_app.app
    except MlflowException as error:
        raise SystemExit(f"MLflow cannot use its database: {error.message}") from None
    hosts = allowed_hosts(os.environ)
    return HostValidationMiddleware(OwnPages(app, origins(hosts)), hosts)


def expose_metrics() -> None:
    """On a port of their own that is not published: Prometheus needs no password there."""
    from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(METRICS_FOLDER))
    ProcessCollector(registry=registry)
    start_http_server(METRICS_PORT, registry=registry)


def main() -> None:
    import uvicorn

    with_auth = wants_auth(os.environ)
    azure = artifacts.azure()
    uri = database.uri()
    database.use_password()
    os.environ.update(secrets())
    os.environ.update(settings(os.environ, uri, artifacts.destination(azure)))
    METRICS_FOLDER.mkdir(exist_ok=True)
    database.connect(uri)
    extensions.set_wait_callback(Patience())
    app = application(uri, with_auth, azure)
    expose_metrics()
    uvicorn.run(
        app,
        host=EVERYWHERE[0],
        port=PORT,
        loop="uvloop",
        http="httptools",
        # the API looks at the registry every second
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
