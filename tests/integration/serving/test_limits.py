"""What a client may send, byte by byte, to the API as a process of its own."""

import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from scripts.servers import free_port
from tests.conftest import point_at
from tests.integration.serving.conftest import JSON, Served, eventually, serving
from tests.integration.serving.test_server import COMMANDS, answers, started
from tests.penguins import PENGUIN

from rookery.serving import bodies, connections

LIMIT = 200_000  # API_MAX_BODY_BYTES
TIMES = 20 if os.environ.get("ROOKERY_ALL_TESTS") else 1
HOST, KIND = b"Host: localhost\r\n", b"Content-Type: application/json\r\n"
CLOSE, CHUNKED = b"Connection: close\r\n", b"Transfer-Encoding: chunked\r\n"
RECORD = json.dumps(PENGUIN).encode()
FOREVER = b"a" * 1_000_000


@dataclass(frozen=True)
class Door:
    """The port of a server, its process, and what it wrote."""

    port: int
    process: psutil.Process
    wrote: list[bytes]

    def say(self, *parts: bytes, seconds: float = 20.0) -> bytes:
        """Everything that is answered, until the server closes."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            try:
                for part in parts:
                    line.sendall(part)
                while received := line.recv(65536):
                    found += received
            except (ConnectionResetError, BrokenPipeError):
                pass  # closed while we were still talking: what it said before counts
        return found

    def answers(self) -> bool:
        return self.say(request(RECORD)).startswith(b"HTTP/1.1 200 OK")


def request(
    body: bytes, more: bytes = CLOSE, *, path: bytes = b"/predict", length: int | None = None
) -> bytes:
    size = b"Content-Length: %d\r\n" % (len(body) if length is None else length)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + KIND + size + more + b"\r\n" + body


@pytest.fixture(scope="module")
def door(served: Served, two_models: Path) -> Iterator[Door]:
    with ExitStack() as stack:
        port = free_port()
        with pytest.MonkeyPatch.context() as patch:
            point_at(patch, two_models)
            patch.setenv("MODEL_NAMES", "penguins,flats")
            patch.setenv("API_MAX_BODY_BYTES", str(LIMIT))
            patch.setenv("API_LOG_REQUESTS", "true")
            process = stack.enter_context(started(COMMANDS["rookery serve"], port))
        wrote: list[bytes] = []
        # a full pipe would stop the server
        threading.Thread(target=lambda: wrote.extend(process.stdout or ()), daemon=True).start()
        eventually(lambda: answers(f"http://127.0.0.1:{port}/models/flats/ready"))
        yield Door(port, psutil.Process(process.pid), wrote)


HEADS = {
    "one long header": b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + FOREVER,
    "a long header that ends": b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + FOREVER + b"\r\n\r\n",
    "very many headers": b"GET /health HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 200_000,
    "a long path": b"GET /" + FOREVER,
    "a long method": FOREVER,
    "headers just above the limit": b"GET /health HTTP/1.1\r\n"
    + HOST + b"X: " + b"a" * connections.MOST_HEAD_BYTES + b"\r\n\r\n",
    "headers behind a body": b"POST /predict HTTP/1.1\r\n" + HOST + KIND + CHUNKED
    + b"\r\n1\r\n{\r\n0\r\nX: " + FOREVER,
    "an extension of a chunk": b"POST /predict HTTP/1.1\r\n" + HOST + KIND + CHUNKED
    + b"\r\n1;" + FOREVER,
}  # fmt: skip


@pytest.mark.parametrize("sent", HEADS.values(), ids=list(HEADS))
def test_a_head_that_does_not_end_is_cut_off(door: Door, sent: bytes) -> None:
    answer = door.say(sent)
    assert not answer or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert door.answers()


def test_a_head_below_the_limit_is_read(door: Door) -> None:
    head = b"GET /health HTTP/1.1\r\n" + HOST + CLOSE + b"X: " + b"a" * 60_000
    assert door.say(head[:30_000], head[30_000:], b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")


def test_a_body_in_the_same_packet_is_no_head(door: Door) -> None:
    assert door.say(request(RECORD.ljust(190_000))).startswith(b"HTTP/1.1 200 OK")


WRONG = {
    "a length below the body's": (request(RECORD, b"", length=10), [b"400"]),
    "no length of any number": (request(RECORD, length=-1), [b"400"]),
    "an endless number as length": (request(RECORD, length=10**30), [b"400"]),
    "two lengths": (request(RECORD, b"Content-Length: 5\r\n"), [b"400"]),
    "a length and chunks": (request(RECORD, CHUNKED), [b"400"]),
    "chunks of no size": (
        b"POST /predict HTTP/1.1\r\n" + HOST + KIND + CHUNKED + b"\r\nzz\r\n\r\n", [b"400"]
    ),
    "a length above the limit": (request(b"", length=10**9), [b"413"]),
    "NUL in a header": (b"GET /health HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", [b"400"]),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [b"400"]),
    "bytes above ASCII in a path": (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", [b"400"]),
    "another server's name": (b"GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n", [b"421"]),
    "no name": (b"GET /health HTTP/1.0\r\n\r\n", [b"421"]),
    "another method": (b"HEAD /predict HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", [b"405"]),
    "a tunnel": (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", [b"400"]),
    "a WebSocket": (
        b"GET /predict HTTP/1.1\r\n"
        + HOST + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        [b"405"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "statuses"), WRONG.values(), ids=list(WRONG))
def test_what_is_no_good_request_is_refused(door: Door, sent: bytes, statuses: list[bytes]) -> None:
    answer = door.say(sent)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]][: len(statuses)] == statuses
    assert b"Traceback" not in answer
    assert door.answers()


def test_requests_in_one_packet_are_answered_in_their_order(door: Door) -> None:
    bad = RECORD.replace(b"male", b"none")
    answer = door.say(request(RECORD, b"") + request(bad, b"") + request(RECORD))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"422", b"200"]


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(door: Door) -> None:
    waiting = CLOSE + b"Expect: 100-continue\r\n"
    head = request(b"", waiting, length=len(RECORD))
    assert door.say(head, RECORD).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    refused = door.say(request(b"", waiting, length=LIMIT + 1))
    assert refused.startswith(b"HTTP/1.1 413 ")


def test_http_1_0_is_answered_and_closed(door: Door) -> None:
    answer = door.say(request(RECORD, b"").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize(
    "path", [b"/predict", b"/predict/batch", b"/invocations", b"/v2/models/penguins/infer"]
)
def test_a_body_may_have_the_limit_and_no_byte_more(door: Door, path: bytes, more: int) -> None:
    body = b"[".ljust(LIMIT + more)
    chunk = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    chunked = b"POST " + path + b" HTTP/1.1\r\n" + HOST + KIND + CLOSE + CHUNKED + b"\r\n" + chunk
    for sent in (request(body, path=path), chunked):
        status = door.say(sent)[9:12]
        assert status == (b"413" if more else b"400")


def test_each_request_is_one_line_of_json_that_no_client_can_write(door: Door) -> None:
    """API_LOG_REQUESTS is set."""
    named = (
        CLOSE + b"X-Request-ID: first\r\nX-API-Key: let-me-in\r\nAuthorization: Bearer secret\r\n"
    )
    assert b"x-request-id: first" in door.say(request(RECORD, named))
    door.say(b"GET /%0a%7B%22status%22:1%7D%0aforged HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    door.say(request(RECORD, CLOSE + b'X-Request-ID: "}{"forged\r\n', path=b"/predict/batch"))
    door.say(request(RECORD, CLOSE + b"X-Request-ID: last\r\n", path=b"/feedback"))
    eventually(lambda: any(b'"last"' in line for line in door.wrote))
    lines = [json.loads(line) for line in door.wrote if line.startswith(b"{")]
    first = next(line for line in lines if line.get("request_id") == "first")
    assert (first["method"], first["path"], first["status"]) == ("POST", "/predict", 200)
    known = {"at", "method", "path", "status", "seconds", "request_id"}
    assert all(known - {"request_id"} <= set(line) <= known for line in lines)
    assert {"other", "/predict/batch", "/feedback"} <= {line["path"] for line in lines}
    everything = b"".join(line for line in door.wrote if not line.startswith(b"{"))
    assert b"forged" not in everything
    for secret in (b"let-me-in", b"secret", b"Torgersen"):
        assert not any(secret in line for line in door.wrote)


def test_slow_clients_do_not_hold_up_the_others(door: Door) -> None:
    """Forty that have sent half a body, and forty that have sent half a head."""
    with ExitStack() as stack:
        for number in range(80):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", door.port)))
            line.sendall(request(RECORD[:20], length=len(RECORD)) if number % 2 else b"POST /pr")
        start = time.monotonic()
        assert all(door.answers() for _ in range(20))
        assert time.monotonic() - start < 10


def test_a_body_that_takes_too_long_is_given_up(
    served: Served, penguin: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    url = served.client.base_url

    def one_byte_a_while() -> Iterator[bytes]:
        for byte in RECORD:
            yield bytes([byte])
            time.sleep(0.05)

    answer = httpx.post(f"{url}/predict", content=one_byte_a_while(), headers=JSON)
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


def test_a_head_that_takes_too_long_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is far above what it takes; without one the line would stay open for ever."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    update = {"model_names": ["penguins"]}
    with serving(served.settings.model_copy(update=update), wait=False) as running:
        place = running.client.base_url
        with socket.create_connection((place.host, place.port), timeout=20) as line:
            line.sendall(b"GET /health HTTP/1.1\r\n")
            assert line.recv(1) == b""


@pytest.mark.parametrize(
    "path", ["/predict", "/models/flats/predict/batch", "/invocations", "/feedback"]
)
def test_a_body_of_too_many_small_values_is_not_even_parsed(api: httpx.Client, path: str) -> None:
    """Ten million bytes of empty lists would take a gigabyte and the interpreter for 20 s."""
    many = b'{"island":[' + b",".join([b"[]"] * 66_000) + b"]}"
    answer = api.post(path, content=many, headers=JSON)
    assert answer.status_code == 413
    assert "values" in answer.json()["detail"]


def test_memory_does_not_grow_with_hostile_requests(door: Door) -> None:
    """After a first round that fills what is kept for good, and all that is imported late."""
    url = f"http://127.0.0.1:{door.port}/model/versions"
    eventually(lambda: answers(url))
    _ask_badly(door, 300)
    before = door.process.memory_info().rss
    _ask_badly(door, 2000 * TIMES)
    assert door.process.memory_info().rss - before < 60 * 2**20
    assert door.answers()


def _ask_badly(door: Door, times: int) -> None:
    draw = random.Random(times)
    paths = ("/predict", "/predict/batch", "/invocations", "/v2/models/flats/infer", "/feedback")
    with httpx.Client(base_url=f"http://127.0.0.1:{door.port}", timeout=30) as client:
        for number in range(times):
            path = draw.choice([*paths, f"/nothing/{draw.random()}", f"/predictions/{number}"])
            body = draw.choice(
                [draw.randbytes(draw.randrange(5000)), b"[" * 3000, RECORD[: draw.randrange(120)],
                 b'{"%d":1}' % number, b'[{"island":"%d"}]' % number, b"[]," * 20_000]
            )  # fmt: skip
            headers = draw.choice([JSON, {}, {f"X-{number}": "y" * 5000}])
            headers = headers | {"X-Request-ID": f"{number}"}
            method = draw.choice(["POST", "POST", "POST", "GET", "PUT"])
            answer = client.request(method, path, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (path, body)
