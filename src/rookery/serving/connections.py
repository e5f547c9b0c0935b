"""HTTP connections with the limits that uvicorn's lack: how long a head is, and how slow."""

import asyncio
from functools import lru_cache
from typing import Any

from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from rookery.serving.problems import MEDIA_TYPE, Problem

MOST_HEAD_BYTES = 64 * 1024
OK = STATUS_LINE[200]
Pairs = tuple[tuple[bytes, bytes], ...]
HEAD_SECONDS = 15.0


def is_gone(receive: Receive) -> bool:
    """Whether the client has left; uvicorn knows, and asking it costs no task of its own."""
    return bool(getattr(getattr(receive, "__self__", None), "disconnected", False))


def is_whole(receive: Receive) -> bool:
    """Whether the last of the body is there already: a timer costs more than looking."""
    return getattr(getattr(receive, "__self__", None), "more_body", True) is False


def answered(receive: Receive, headers: Pairs, body: bytes) -> bool:
    """Answers 200 with one write, and says so; False where it has to be sent as ASGI has it.

    uvicorn writes head and body apart, which are two calls of the system, and looks at every
    header. Only for a request whose body was read, and headers that cannot break a line.
    """
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.response_started:
        return False
    if cycle.flow.write_paused or not cycle.keep_alive or cycle.more_body:
        return False
    if cycle.disconnected:
        return True
    cycle.response_started = cycle.response_complete = True
    # the server's own: the date
    head = _lines(tuple(cycle.default_headers)) + _lines(headers)
    cycle.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (OK, head, len(body), body))
    cycle.message_event.set()
    cycle.on_response()
    return True


@lru_cache(maxsize=64)
def _lines(headers: Pairs) -> bytes:
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


class Connection(HttpToolsProtocol):
    """Ends where what arrives brings neither the end of a head nor a part of a body.

    The parser keeps headers, trailers and the extensions of chunks until they end, whatever their
    size; uvicorn waits for them for ever. Every request passes here: no `super()`, no call more.
    """

    unread = 0  # bytes
    patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.unread += len(data)
        HttpToolsProtocol.data_received(self, data)
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
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        if self.unread:
            self._came()
        HttpToolsProtocol.on_body(self, body)

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
