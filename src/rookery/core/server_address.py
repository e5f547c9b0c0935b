"""The address of an MLflow server, as people mistype it."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from rookery.errors import InputError

SERVER: Final = "the address of an MLflow server, such as http://localhost:5005"
WEB: Final = ("http", "https")
# databases that MLflow itself reads, such as the file of the embedded mode; a driver may follow
DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")


def check_address(name: str, uri: str | None) -> None:
    """Refuses what a variable or option gives as a tracking address, unless it gives none.

    Raises:
        InputError: it is empty, or cannot be the address of a server; it is not repeated, because
            it may hold a password.
    """
    if uri == "":
        fault = (
            "is set but empty; unset it for the embedded mode, "
            "or give it the address of an MLflow server"
        )
    elif uri is not None and (wrong := fault_of_address(uri)):
        fault = f"cannot be used: {wrong}"
    else:
        return
    raise InputError(f"{name} {fault}", field=name, allowed=SERVER, next="rookery doctor")


def check_same_server(given: Mapping[str, str | None]) -> None:
    """Refuses two variables that name different servers.

    Raises:
        InputError: naming both with their values.
    """
    (first, uri), (second, other) = given.items()
    if uri and other and not is_same_server(uri, other):
        raise InputError(
            f"{first}={uri!r} and {second}={other!r} name different servers; "
            "set one, or both to the same address",
            field=second,
            value=other,
            allowed=uri,
            next="rookery doctor",
        )


def fault_of_address(uri: str) -> str | None:
    """What is wrong with a tracking address, and how it should be; None where nothing is."""
    if uri.strip("'\"").strip() != uri:
        return "it has quotes or blanks around it"
    # also beyond the host, where a password with a slash ends up; a file's name may hold one
    if "@" in uri and not uri.startswith("sqlite:///"):
        return (
            "it holds a user or password, which would show in links and logs; "
            "give them as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    try:
        found = urlsplit(uri)
        _ = found.port
    except ValueError:
        return "it is not an address: the host or the port is wrong"
    return _fault_of_web(uri, found) if found.scheme in WEB else _fault_of_scheme(uri, found)


def _fault_of_web(uri: str, found: SplitResult) -> str | None:
    if not found.hostname:
        return "it has no host; it should look like http://HOST:5005"
    if re.search(r"[\s<>\"'\\]", uri):
        return "it holds blanks or quotes"
    if found.query or found.fragment:
        server = uri.partition("?")[0].partition("#")[0].rstrip("/")
        return f"it is a page of MLflow; the server is {server}"
    return None


def _fault_of_scheme(uri: str, found: SplitResult) -> str | None:
    if found.scheme.partition("+")[0] in DATABASES and "://" in uri:
        return None
    # localhost:5005 has the scheme localhost; https//host has none
    if re.fullmatch(r"[\w.-]+(:\d+)?(/.*)?", uri) and not uri.startswith(WEB):
        return f"it has no scheme; did you mean http://{uri}?"
    return "it does not begin with http:// or https://"


def without_login(uri: str) -> str:
    """The address as it may be written down and shown: without user, password and query."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", uri, maxsplit=1)[0])


def is_same_server(one: str, other: str) -> bool:
    """Whether two addresses name one server; a slash at the end and a host's capitals do not
    count."""
    return _normal(one) == _normal(other)


def _normal(uri: str) -> tuple[str, str, str]:
    found = urlsplit(without_login(uri))
    return found.scheme, found.netloc.lower(), found.path.rstrip("/")
