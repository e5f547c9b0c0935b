"""The hot paths, ahead of the router: finding a route costs more than predicting a row."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from rookery.serving.connections import Pairs
from rookery.serving.observed import Observed, request_id
from rookery.serving.problems import MEDIA_TYPE, Problem, not_taken, unexpected

logger = logging.getLogger("rookery.serving")
Headers = dict[bytes, bytes]
JSON: Pairs = ((b"content-type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and its headers but for the length."""

    body: bytes
    headers: Pairs = JSON


class Hot(Protocol):
    """Answers one path; `body_of` writes its problems as the path's clients expect them."""

    @property
    def body_of(self) -> Callable[[Problem], bytes]: ...

    async def __call__(self, headers: Headers, receive: Receive) -> Answer: ...


class Front:
    """ASGI middleware that answers the hot paths itself and hands everything else on."""

    def __init__(self, app: ASGIApp, hot: Mapping[str, Hot], observed: Observed) -> None:
        self.app = app
        self.hot = hot
        self.observed = observed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self.hot.get(scope["path"]) if scope["type"] == "http" else None
        if hot is None:
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        number = request_id(headers)
        status = 200
        try:
            answer = await self._answer(hot, scope, headers, receive)
        except Exception as error:
            status, answer = refused(error, hot, scope["path"])
        await _send(send, status, answer, number)
        seconds = time.perf_counter() - started
        self.observed.request(scope["method"], scope["path"], status, seconds, number)

    async def _answer(self, hot: Hot, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise not_taken(scope["path"], scope["method"], {"Allow": "POST"})
        return await hot(headers, receive)


async def _send(send: Send, status: int, answer: Answer, number: bytes | None) -> None:
    headers = [(b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if number:
        headers.append((b"x-request-id", number))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def refused(error: Exception, hot: Hot, path: str) -> tuple[int, Answer]:
    """Status and answer of a request that failed; what nobody foresaw goes to the log."""
    if not isinstance(error, Problem):
        logger.error("POST %s failed", path, exc_info=error)
        error = unexpected()
    return error.details.status, _answer_of(error, hot)


def _answer_of(problem: Problem, hot: Hot) -> Answer:
    given = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    return Answer(hot.body_of(problem), ((b"content-type", MEDIA_TYPE.encode()), *given))
