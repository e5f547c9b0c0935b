"""The API as a process of its own."""

import errno
import logging
import signal
import socket
import threading
from typing import Any

import uvicorn

from rookery.errors import Defect, InputError, Unavailable
from rookery.settings import Settings

GRACE_SECONDS = 10
logger = logging.getLogger("rookery.serving")


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are answered first.

    Raises:
        Unavailable: the port is taken or may not be used. InputError: there is no such host or
        port. KeyboardInterrupt: after SIGINT.
    """
    listener = bind(settings.api_host, settings.api_port)
    with listener:
        _log_to_stderr()
        from rookery.serving.app import create_app  # two seconds: after the port is known as free

        server = uvicorn.Server(
            uvicorn.Config(
                create_app(settings),
                access_log=False,
                server_header=False,
                log_level="info",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        if threading.current_thread() is threading.main_thread():
            # uvicorn ends in good order and then raises the signal again: that is to be no failure
            signal.signal(signal.SIGTERM, lambda *_: None)
        place = f"http://{settings.api_host}:{listener.getsockname()[1]}"
        logger.info("serving %s at %s/docs", ", ".join(settings.served_models), place)
        server.run(sockets=[listener])
        if not server.started:
            raise Defect("the API could not start; the lines above say why")


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
