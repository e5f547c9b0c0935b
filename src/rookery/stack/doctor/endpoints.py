"""Whether each server answers, on its published port or under its name in the network."""

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from urllib.parse import urlsplit

from rookery.jobs.doctor.findings import Check, Finding, error, fine, warning
from rookery.jobs.doctor.server import mlflow
from rookery.jobs.doctor.web import SECONDS, ask, clock

Place = tuple[str, int]
# https://www.postgresql.org/docs/17/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def checks(places: Mapping[tuple[str, int], Place]) -> list[Check]:
    """One for each server that has a place, and one for their clocks."""
    found = [
        Check("endpoints", service, partial(LOOKS[service, port], place))
        for (service, port), place in places.items()
        if (service, port) in LOOKS
    ]
    dated = {("mlflow", 5005): "/health", ("minio", 9000): "/minio/health/live"}
    urls = [web(places[key]) + path for key, path in dated.items() if key in places]
    return [*found, Check("endpoints", "clock", partial(clock, urls))]


def web(place: Place) -> str:
    """The address of a web server; an IPv6 address goes in brackets."""
    host, port = place
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def postgres(place: Place) -> Iterator[Finding]:
    """Asks for encryption, which Postgres answers with one letter before any password."""
    yield _tcp("postgres", place, SSL_REQUEST, lambda answer: answer in (b"S", b"N"))


def mysql(place: Place) -> Iterator[Finding]:
    """MySQL speaks first: length, number, and version 10 of the protocol."""
    yield _tcp("mysql", place, b"", lambda answer: answer[4:5] == b"\x0a")


def _tcp(service: str, place: Place, hello: bytes, known: Callable[[bytes], bool]) -> Finding:
    shown = f"{service} at {place[0]}:{place[1]}"
    try:
        with socket.create_connection(place, SECONDS) as connection:
            connection.sendall(hello)
            answer = connection.recv(100)
    except OSError as failed:
        return error(f"{shown} does not answer: {failed.strerror or failed}", _logs(service))
    if known(answer):
        return fine(f"{place[0]}:{place[1]} answers")
    variable = f"{service.upper()}_PORT"
    said = f"what answers at {place[0]}:{place[1]} is not {service}"
    return error(said, f"another {variable} in .env; {_logs(service)}")


def http(service: str, path: str, place: Place) -> Iterator[Finding]:
    """Whether a page is there without a password."""
    answer = ask(web(place) + path)
    if answer.status == 200:
        yield fine(f"{answer.url} answers")
    elif answer.status == 0:
        yield error(f"{answer.url} does not answer: {answer.text}", _logs(service))
    else:
        yield error(f"{answer.url} answers {answer.status}", _logs(service))


def api(place: Place) -> Iterator[Finding]:
    """`/ready` is 503 until something is promoted and loaded: no fault of a new stack."""
    yield from http("fastapi", "/health", place)
    ready = ask(f"{web(place)}/ready")
    if ready.status in (0, 200):
        return
    said = ready.plain.get("detail") or ready.text[:120]
    command = ready.plain.get("next") or ""
    if command.startswith("rookery promote"):
        mend = f"docker compose exec jupyter {command}; before that, once: … rookery run"
        yield warning(f"the API has no model yet: {said}", mend)
    elif command.startswith("GET /ready"):
        yield warning(f"the API has just started: {said}", "rookery doctor, in a minute")
    else:
        yield error(f"the API is not ready: {said}", _logs("fastapi"))


def _logs(service: str) -> str:
    return f"docker compose logs {service}; docker compose up --detach {service}"


def console(place: Place) -> Iterator[Finding]:
    """MinIO's own pages."""
    yield from http("minio", "/", place)


LOOKS: dict[tuple[str, int], Callable[[Place], Iterator[Finding]]] = {
    ("postgres", 5432): postgres,
    ("mysql", 3306): mysql,
    ("minio", 9000): partial(http, "minio", "/minio/health/live"),
    ("minio", 9001): console,
    ("mlflow", 5005): lambda place: mlflow(web(place), None, direct=True),
    ("jupyter", 8888): partial(http, "jupyter", "/api"),
    ("fastapi", 8000): api,
}


def published(bound: str, number: int) -> Place:
    """How a published port is reached from this machine."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 compared, not bound
    return everywhere.get(bound, bound), number


def inside(tracking_uri: str) -> dict[tuple[str, int], Place]:
    """Under the names of the services; MLflow is left to the check that has the password."""
    named = urlsplit(tracking_uri).hostname
    return {key: key for key in LOOKS if key[0] != named}
