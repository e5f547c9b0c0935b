"""What is counted and told of every request."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery.serving.metrics import Metrics

MOST_ID_BYTES = 128
requests_log = logging.getLogger("rookery.requests")


class Observed:
    """Counts requests and, where asked for, writes a line of JSON for each."""

    def __init__(self, metrics: Metrics, *, log_requests: bool) -> None:
        self.metrics = metrics
        self.log_requests = log_requests

    def request(
        self, method: str, path: str, status: int, seconds: float, number: bytes | None
    ) -> None:
        self.metrics.count_request(method, path, status, seconds)
        if self.log_requests:
            line = {
                "at": time.time(),
                "method": method,
                "path": path,
                "status": status,
                "seconds": round(seconds, 6),
                "request_id": number.decode("latin-1") if number else None,
            }
            requests_log.info(to_json(line).decode())


def request_id(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The id that the caller gave the request, if it is one that can go back in a header."""
    given = headers.get(b"x-request-id")
    if given is None or len(given) > MOST_ID_BYTES or not all(32 < byte < 127 for byte in given):
        return None
    return given


class ObservedRequests:
    """ASGI middleware that observes every request under its route's template."""

    def __init__(self, app: ASGIApp, observed: Observed) -> None:
        self.app = app
        self.observed = observed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500  # what the server answers when an exception passes through here
        number = request_id(dict(scope["headers"]))

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if number:
                    message["headers"] = [*message["headers"], (b"x-request-id", number)]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - start
            self.observed.request(scope["method"], _template(scope), status, seconds, number)


def _template(scope: Scope) -> str:
    """The route's path as it was declared; everything without one counts together."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "other"))
