"""Answers only who calls the API by one of its names, against DNS rebinding.

A web page of `evil.example` may have that name point to 127.0.0.1 between two requests; to the
browser the API is then of the page's own origin. The `Host` that it sends still says the name.
"""

import re
import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from rookery.errors import InputError
from rookery.serving.connections import Endpoint
from rookery.serving.observed import Observed
from rookery.serving.problems import Problem, ProblemError
from rookery.settings import Settings

ALL = "*"
# the name of the API's service in the stack
OWN = ("localhost", "fastapi")
MOST_SEEN = 256
# https://www.rfc-editor.org/rfc/rfc9110#section-7.2
HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:\d{0,5})?", re.IGNORECASE)


def allowed_names(settings: Settings) -> frozenset[str]:
    """The names that the API answers to, besides every IP address; `*` among them allows all.

    Raises:
        InputError: an entry of API_ALLOWED_HOSTS is no name of a host.
    """
    given = [_listed(entry) for entry in settings.api_allowed_hosts or ()]
    pages = urlsplit(settings.api_ui_url or "").hostname or ""
    found = (*OWN, socket.gethostname(), settings.api_host, pages, *given)
    return frozenset(name.lower() for name in found if name)


def _listed(entry: str) -> str:
    name = ALL if entry == ALL else name_in(entry)
    if name is None:
        raise InputError(
            f"API_ALLOWED_HOSTS: {entry!r} is no name of a host",
            field="API_ALLOWED_HOSTS",
            value=entry,
            allowed="names such as ml.example.org, divided by commas; or * alone, for all",
        )
    return name


def name_in(host: str) -> str | None:
    """The name or address that a `Host` holds, in small letters and without its port."""
    found = HOST.fullmatch(host)
    return found[1].lower() if found else None


def is_allowed(host: str, names: Collection[str]) -> bool:
    """An IP address always is: nobody can make it point elsewhere."""
    name = name_in(host)
    return name is not None and (name in names or _is_address(name.strip("[]")))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class KnownHosts:
    """ASGI middleware; what was let in once costs one look into a set afterwards.

    Starlette's TrustedHostMiddleware knows no addresses in general and no problem details.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str], observed: Observed) -> None:
        self.app = app
        self.names = names
        self.observed = observed
        self.seen: set[bytes] = set()
        # the connections look for it on the outermost application
        self.direct: dict[bytes, Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ALL not in self.names:
            host = b""
            for name, value in scope["headers"]:
                if name == b"host":
                    host = value
                    break
            if host not in self.seen and not self._lets_in(host):
                self.observed.request(scope["method"], "other", 421, 0.0, None)
                await refusal(host.decode("latin-1")).response()(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def knows(self, host: bytes) -> bool:
        """Whether a request with that `Host` was let in before, or all are."""
        return host in self.seen or ALL in self.names

    def _lets_in(self, host: bytes) -> bool:
        allowed = is_allowed(host.decode("latin-1"), self.names)
        # addresses and ports are many: who sends them all must not fill the memory
        if allowed and len(self.seen) < MOST_SEEN:
            self.seen.add(host)
        return allowed


def refusal(host: str) -> Problem:
    """421, which says that this server is not the one for that name, and nothing of rights.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.4
    """
    host = host[:300]  # the longest name has 253
    message = (
        f"the API does not answer to the name {host!r}" if host else "the request names no Host"
    )
    allowed = "localhost, an IP address, this machine's name, or one of API_ALLOWED_HOSTS"
    shown = ProblemError(field="Host", value=host[:200], allowed=allowed, message=message)
    name = name_in(host)
    mend = f"where the API starts, if the name is yours: API_ALLOWED_HOSTS={name}"
    return Problem(421, message, errors=[shown], next=mend if name else None)
