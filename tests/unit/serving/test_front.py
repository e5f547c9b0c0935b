"""What stands ahead of the router."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive

from rookery.serving.app import create_app
from rookery.serving.front import Answer, Front, Headers
from rookery.serving.metrics import Metrics
from rookery.serving.observed import Observed
from rookery.serving.problems import MEDIA_TYPE, Problem
from rookery.settings import Settings

PATH = "/predict"


class Hot:
    """Answers with what it is given, or raises it."""

    body_of = staticmethod(Problem.body)

    def __init__(self, says: Answer | Exception) -> None:
        self.says = says

    async def __call__(self, headers: Headers, receive: Receive) -> Answer:
        del headers, receive
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Asked:
    """One request to a front with one hot path, and all that is known of it afterwards."""

    def __init__(
        self,
        says: Answer | Exception,
        method: str = "POST",
        path: str = PATH,
        headers: list[tuple[bytes, bytes]] | None = None,
        *,
        log_requests: bool = False,
    ) -> None:
        self.metrics = Metrics()
        self.passed_on: list[str] = []
        self.sent: list[Message] = []
        front = Front(
            self._app, {PATH: Hot(says)}, Observed(self.metrics, log_requests=log_requests)
        )
        scope = {"type": "http", "method": method, "path": path, "headers": headers or []}
        asyncio.run(front(scope, self._receive, self._send))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        self.passed_on.append(scope["path"])

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b""}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return bytes(self.sent[1]["body"])

    def counted(self) -> dict[tuple[str, str, str], float]:
        """Requests by method, path and status."""
        return {
            (one.labels["method"], one.labels["path"], one.labels["status"]): one.value
            for family in self.metrics.registry.collect()
            for one in family.samples
            if one.name == "http_requests_total"
        }


async def status_of(app: Any, method: str, url: str) -> int:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport) as client:
        return (await client.request(method, url, json={})).status_code


def test_the_host_check_stands_around_the_hot_paths_and_the_rest(tmp_path: Path) -> None:
    app = create_app(Settings(rookery_home=tmp_path, prediction_log=False))
    for path, status in (("/predict", 503), ("/invocations", 503), ("/nothing", 404)):
        assert asyncio.run(status_of(app, "POST", f"http://evil.example{path}")) == 421
        assert asyncio.run(status_of(app, "POST", f"http://localhost{path}")) == status


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/invocations"])
def test_every_hot_path_takes_one_method_only(tmp_path: Path, path: str) -> None:
    app = create_app(Settings(rookery_home=tmp_path, prediction_log=False))
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        assert asyncio.run(status_of(app, method, f"http://localhost{path}")) == 405


def test_a_hot_path_is_answered_without_the_application() -> None:
    asked = Asked(Answer(b"{}"))
    assert (asked.status, asked.body, asked.passed_on) == (200, b"{}", [])
    assert asked.headers == {b"content-length": b"2", b"content-type": b"application/json"}
    assert asked.counted() == {("POST", PATH, "200"): 1}


@pytest.mark.parametrize("path", ["/", "/predict/", "/predict2", "/PREDICT", "//predict"])
def test_everything_else_is_handed_on_and_counted_elsewhere(path: str) -> None:
    asked = Asked(Answer(b"{}"), path=path)
    assert (asked.passed_on, asked.sent, asked.counted()) == ([path], [], {})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_another_method_is_refused_with_the_one_that_is_allowed(method: str) -> None:
    asked = Asked(Answer(b"{}"), method)
    assert asked.status == 405
    assert asked.headers[b"allow"] == b"POST"
    assert asked.headers[b"content-type"] == MEDIA_TYPE.encode()
    assert asked.counted() == {(method, PATH, "405"): 1}


def test_a_method_that_nobody_knows_makes_no_series_of_its_own() -> None:
    assert Asked(Answer(b"{}"), "BREW").counted() == {("other", PATH, "405"): 1}


def test_a_problem_is_sent_with_its_status_and_headers_and_counted_once() -> None:
    asked = Asked(Problem(503, "busy", headers={"Retry-After": "1"}))
    assert asked.status == 503
    assert asked.headers[b"retry-after"] == b"1"
    assert b'"detail":"busy"' in asked.body
    assert asked.headers[b"content-length"] == b"%d" % len(asked.body)
    assert asked.counted() == {("POST", PATH, "503"): 1}


def test_an_unexpected_exception_is_a_bare_500_and_told_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "rookery.serving"):
        asked = Asked(RuntimeError("the secret of /etc"))
    assert asked.status == 500
    assert asked.headers[b"content-type"] == MEDIA_TYPE.encode()
    assert b"secret" not in asked.body
    assert b"Traceback" not in asked.body
    assert "the secret of /etc" in caplog.text
    assert asked.counted() == {("POST", PATH, "500"): 1}


ANSWERS: list[Callable[[], Answer | Exception]] = [
    lambda: Answer(b"{}"),
    lambda: Problem(422, "no"),
    lambda: RuntimeError(),
]


@pytest.mark.parametrize("says", ANSWERS, ids=["answer", "problem", "exception"])
def test_a_request_id_comes_back_whatever_the_answer(says: Callable[[], Any]) -> None:
    asked = Asked(says(), headers=[(b"x-request-id", b"a-1/b")])
    assert asked.headers[b"x-request-id"] == b"a-1/b"


@pytest.mark.parametrize(
    "odd", [b"", b"a b", b"a\tb", b"a\r\nset-cookie: b=c", b"\x00", "ü".encode(), b"a" * 129]
)
def test_a_request_id_that_cannot_stand_in_a_header_is_left_out(odd: bytes) -> None:
    asked = Asked(Answer(b"{}"), headers=[(b"x-request-id", odd)])
    assert asked.status == 200
    assert b"x-request-id" not in asked.headers


def test_a_line_of_json_tells_of_a_request_where_it_is_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rookery.requests")
    Asked(Answer(b"{}"))
    assert not caplog.records
    Asked(Answer(b"{}"), headers=[(b"x-request-id", b"7")], log_requests=True)
    (line,) = caplog.messages
    assert '"method":"POST","path":"/predict","status":200' in line
    assert line.endswith('"request_id":"7"}')
