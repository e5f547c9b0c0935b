"""HTTP connections that answer plain requests at once, and refuse long or slow heads."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol

from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
)

from rookery.serving.problems import MEDIA_TYPE, Problem

MOST_HEAD_BYTES = 64 * 1024
Pairs = tuple[tuple[bytes, bytes], ...]
HEAD_SECONDS = 15.0


def is_gone(receive: Receive) -> bool:
    """Whether the client has left; uvicorn knows, and asking it costs no task of its own."""
    return bool(getattr(getattr(receive, "__self__", None), "disconnected", False))


def is_whole(receive: Receive) -> bool:
    """Whether the last of the body is there already: a timer costs more than looking."""
    return getattr(getattr(receive, "__self__", None), "more_body", True) is False


def write(
    transport: asyncio.WriteTransport,
    own: Sequence[tuple[bytes, bytes]],
    line: bytes,
    headers: Pairs,
    body: bytes,
) -> None:
    """A whole answer at once; `own` are the server's headers: the date."""
    head = line + _lines(tuple(own)) + _lines(headers)
    transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))


@lru_cache(maxsize=64)
def _lines(headers: Pairs) -> bytes:
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


class Endpoint(Protocol):
    """What answers a path without a task for each request."""

    def takes(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers is plain enough."""
        ...

    def ask(self, request: "Direct") -> bool:
        """Sees to an answer; False where the request has to go the usual way after all."""
        ...


class _Nobody:
    """Stands where uvicorn tells the task of a request that something came."""

    def set(self) -> None: ...


class Direct:
    """A request that the connection answers itself; to uvicorn it is one of its own cycles.

    So uvicorn collects the body, queues what the client sends meanwhile, and waits for the answer
    before it ends.
    """

    __slots__ = (
        "body",
        "connection",
        "disconnected",
        "endpoint",
        "keep_alive",
        "more_body",
        "response_complete",
        "started",
    )
    message_event = _Nobody()

    def __init__(self, connection: "Connection", endpoint: Endpoint) -> None:
        self.connection = connection
        self.endpoint = endpoint
        self.started = time.perf_counter()
        self.body = b""
        self.more_body = True
        self.disconnected = self.response_complete = False
        self.keep_alive = True

    def is_gone(self) -> bool:
        return self.disconnected

    def respond(self, status: int, headers: Pairs, body: bytes) -> None:
        """Answers, and lets the connection go on."""
        connection = self.connection
        self.response_complete = True
        if not self.disconnected:
            if not self.keep_alive:  # the server is about to end
                headers = (*headers, (b"connection", b"close"))
            own = connection.server_state.default_headers
            write(connection.transport, own, STATUS_LINE[status], headers, body)
            if not self.keep_alive:
                connection.transport.close()
        connection.on_response_complete()


class Connection(HttpToolsProtocol):
    """Answers plain requests itself, and has limits that uvicorn's lacks.

    It ends where what arrives brings neither the end of a head nor a part of a body.

    The parser keeps headers, trailers and the extensions of chunks until they end, whatever their
    size; uvicorn waits for them for ever. Every request passes here: no `super()`, no call more.
    """

    unread = 0  # bytes
    patience: asyncio.TimerHandle | None = None
    direct: Mapping[bytes, Endpoint] = MappingProxyType({})
    cycle: Any  # uvicorn's, or Direct

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.direct = getattr(self.app, "direct", self.direct)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.unread += len(data)
        HttpToolsProtocol.data_received(self, data)
        if type(self.cycle) is Direct and self.cycle.more_body:  # how slowly is looked at elsewhere
            self._go_the_usual_way(self.cycle)
        if self.unread and not self.transport.is_closing():
            if self.unread > MOST_HEAD_BYTES:
                self.send_400_response("")
            elif self.patience is None:
                self._wait()

    def on_headers_complete(self) -> None:
        # a body may have come with it: only then is there something to add up
        if self.unread > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            raise ValueError("the parser turns this into an answer of 400, or ours below")
        self.unread = 0
        if self.patience is not None:
            self._came()
        endpoint = self.direct.get(self.url)
        if endpoint is not None and self._is_plain() and endpoint.takes(self.headers):
            self.cycle = Direct(self, endpoint)
        else:
            HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        if self.unread:
            self._came()
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        HttpToolsProtocol.on_message_complete(self)
        cycle = self.cycle
        # of one that waits behind another, the cycle is uvicorn's
        if type(cycle) is Direct and not cycle.response_complete and not cycle.endpoint.ask(cycle):
            self._go_the_usual_way(cycle)

    def _is_plain(self) -> bool:
        """Whether nothing but the body is left to read, and nobody is before it."""
        parser, cycle = self.parser, self.cycle
        return (
            parser.get_method() == b"POST"
            and (cycle is None or cycle.response_complete)
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
        )

    def _go_the_usual_way(self, request: Direct) -> None:
        """As if it came now."""
        self.cycle = None
        HttpToolsProtocol.on_headers_complete(self)
        HttpToolsProtocol.on_body(self, request.body)
        if not request.more_body:
            HttpToolsProtocol.on_message_complete(self)

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's, with problem details; 431 where the head is what is wrong."""
        del msg
        problem = Problem(400, "this is not HTTP/1.1")
        if self.unread > MOST_HEAD_BYTES:
            problem = Problem(431, f"the headers have more than {MOST_HEAD_BYTES} bytes")
        body = problem.body()
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close"
        line = STATUS_LINE[problem.details.status]
        self.transport.write(line + head.encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _wait(self) -> None:
        self.patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _came(self) -> None:
        self.unread = 0
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None
