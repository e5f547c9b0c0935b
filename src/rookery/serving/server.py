"""The API as a process of its own."""

import errno
import gc
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from rookery.errors import Defect, InputError, RookeryError, Unavailable
from rookery.serving.connections import Connection
from rookery.settings import Settings, get_settings, shared_metrics

GRACE_SECONDS = 10
# requests are the parallel work here; a few rows are slower on many threads than on one
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# the event loop gives the interpreter away whenever it sends, and has it back from a thread that
# loads a version or sends the prediction log after this; Python's own 5 ms are many requests
TURN_SECONDS = 0.0001
# new objects before the collector looks at them: the rows of large requests live until the log has
# them, and Python's own 700 has it look at all of them again and again, for tens of milliseconds
NEW_OBJECTS = 20_000
logger = logging.getLogger("rookery.serving")


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are answered first.

    A packaged model is loaded before the port is taken: nobody can connect to what cannot answer.

    Raises:
        Unavailable: the port is taken or may not be used. InputError: there is no such host or
        port, or MODEL_DIR holds no packaged model. Refused: that model may not be loaded.
        KeyboardInterrupt: after SIGINT.
    """
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    _log_to_stderr()
    packaged = _app(settings) if settings.packaged_model else None
    with bind(settings.api_host, settings.api_port) as listener:
        place = f"http://{settings.api_host}:{listener.getsockname()[1]}"
        what = settings.packaged_model or ", ".join(settings.served_models)
        logger.info("serving %s at %s/docs", what, place)
        if settings.api_workers > 1:
            _serve_by_many(settings, listener)
        else:
            _serve(packaged or _app(settings), listener)


def _app(settings: Settings) -> Any:
    from rookery.serving.app import create_app  # after the port is known as free

    sys.setswitchinterval(TURN_SECONDS)
    gc.set_threshold(NEW_OBJECTS)
    return create_app(settings)


def _serve(app: Any, listener: socket.socket) -> None:
    server = uvicorn.Server(config_of(app))
    if threading.current_thread() is threading.main_thread():
        # uvicorn ends in good order and then raises the signal again: that is to be no failure
        signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener])
    if not server.started:
        raise Defect("the API could not start; the lines above say why")


def _serve_by_many(settings: Settings, listener: socket.socket) -> None:
    """Worker processes on one socket; each follows the registry and keeps a log of its own."""
    with tempfile.TemporaryDirectory(prefix="rookery-metrics-") as folder:
        # where they add up their metrics; read when prometheus_client is imported
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        config = config_of(
            "rookery.serving.server:worker", factory=True, workers=settings.api_workers
        )
        supervisor = Multiprocess(config, [listener])
        supervisor.run()
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        _app(settings)  # raises again what kept the workers from it
        raise Defect("the API could not start; the lines above say why")


def worker() -> Any:
    """The application of one worker process."""
    _log_to_stderr()
    if folder := shared_metrics():
        _forget_the_dead(folder)
    try:
        return _app(get_settings())
    except RookeryError as error:
        # with any other exit code it would be started again and again
        raise SystemExit(STARTUP_FAILURE) from error


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed still says in its gauges what it had loaded."""
    for gauges in folder.glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(gauges.stem.rpartition("_")[2])):
            gauges.unlink(missing_ok=True)


def config_of(app: Any, **options: Any) -> uvicorn.Config:
    """How uvicorn runs the application."""
    return uvicorn.Config(
        app,
        access_log=False,
        server_header=False,
        http=Connection,
        ws="none",
        # nothing here asks who the client is
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **{"log_level": "info"} | options,
    )


def bind(host: str, port: int) -> socket.socket:
    """The socket to serve on, taken before anything slow begins.

    Raises:
        Unavailable: the port is taken or may not be used. InputError: there is no such host or
        port.
    """
    family, address = _address(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        # binding alone lets a second process bind too: listening makes the port ours
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from None
    return listener


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    if not 0 <= port <= 65535:
        raise InputError(
            f"API_PORT={port} is not a port", field="API_PORT", value=port, allowed="0 to 65535"
        )
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InputError(
            f"API_HOST={host!r} is no address: {error.strerror}",
            field="API_HOST",
            value=host,
            allowed="127.0.0.1, 0.0.0.0 or a name of this machine",
        ) from None
    return found[0], found[4]


def _refused(host: str, port: int, error: OSError) -> Unavailable | InputError:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"port {port} on {host} is taken by another process",
            field="API_PORT",
            value=port,
            allowed="a free port",
            next=f"API_PORT={port + 1} rookery serve",
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"port {port} may not be used by this user",
            field="API_PORT",
            value=port,
            allowed="1024 to 65535",
            next="API_PORT=8000 rookery serve",
        )
    return InputError(
        f"{host}:{port} cannot be served on: {error.strerror}",
        field="API_HOST",
        value=host,
        allowed="127.0.0.1, 0.0.0.0 or an address of this machine",
    )


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(levelname)s:  %(message)s", level=logging.WARNING)
    logging.getLogger("rookery").setLevel(logging.INFO)
    # a line of JSON for each request, nothing before it
    requests = logging.getLogger("rookery.requests")
    requests.propagate = False
    requests.handlers = [logging.StreamHandler()]
