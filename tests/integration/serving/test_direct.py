"""Requests that the connection answers itself, and those that only look like them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.integration.serving.conftest import Served, eventually
from tests.penguins import PENGUIN

from rookery.serving.connections import Direct
from rookery.serving.direct import DirectOne

BODY = json.dumps(PENGUIN).encode()


def request(
    body: bytes = BODY, more: bytes = b"", *, line: bytes = b"POST /predict HTTP/1.1"
) -> bytes:
    head = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    return line + b"\r\n" + head % len(body) + more + b"\r\n" + body


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    url = served.client.base_url
    with socket.create_connection((url.host, url.port), timeout=20) as line:
        yield line


def answers(line: socket.socket, count: int) -> list[tuple[int, dict[str, str], dict]]:
    """Status, headers and JSON of so many answers, in their order."""
    found, read = [], line.makefile("rb")
    for _ in range(count):
        status = int(read.readline().split()[1])
        pairs = iter(lambda: read.readline().decode().strip(), "")
        headers = dict(pair.lower().split(": ", 1) for pair in pairs)
        found.append((status, headers, json.loads(read.read(int(headers["content-length"])))))
    return found


@pytest.fixture
def begun(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of requests that the connection answers; its host was let in before."""
    served.client.post("/predict", json=PENGUIN, headers={"Host": "localhost"}).raise_for_status()
    bodies: list[bytes] = []
    ask = DirectOne.ask

    def noting(self: DirectOne, asked: Direct) -> bool:
        taken = ask(self, asked)
        if taken:
            bodies.append(bytes(asked.body))
        return taken

    monkeypatch.setattr(DirectOne, "ask", noting)
    return bodies


def test_a_plain_request_is_answered_as_any_other(served: Served, begun: list[bytes]) -> None:
    with connected(served) as line:
        line.sendall(request())
        ((status, headers, said),) = answers(line, 1)
        line.sendall(request(more=b"X-Request-Id: a\r\n"))
        ((_, usual_headers, usual),) = answers(line, 1)
    assert begun == [BODY]
    assert status == 200
    assert {**said, "id": ""} == {**usual, "id": ""}
    assert said["id"] != usual["id"]
    assert usual_headers.pop("x-request-id") == "a"
    assert set(headers) == set(usual_headers)


def test_every_request_is_counted_and_logged_whichever_way_it_went(
    served: Served, begun: list[bytes]
) -> None:
    before = counted(served)
    with connected(served) as line:
        line.sendall(request() * 3 + request(more=b"X-Request-Id: a\r\n"))
        said = [one[2] for one in answers(line, 4)]
    assert begun
    assert counted(served) == before + 4
    for one in said:
        card = served.client.get(f"/predictions/{one['id']}").json()
        assert (card["input"], card["output"]["prediction"]) == (PENGUIN, one["prediction"])


def counted(served: Served) -> float:
    wanted = 'http_requests_total{method="POST",path="/predict",status="200"}'
    lines = served.client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(wanted)).split()[-1])


def test_what_is_sent_before_the_answer_is_answered_in_its_order(
    served: Served, begun: list[bytes]
) -> None:
    wrong = request(b'{"island": 1}')
    metrics = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    many = [request(), wrong, request(), metrics, request(more=b"X-Request-Id: a\r\n"), request()]
    with connected(served) as line:
        line.sendall(b"".join(many * 5))
        found = answers(line, len(many) * 5)
    assert [status for status, _, _ in found] == [200, 422, 200, 200, 200, 200] * 5
    assert len({said["id"] for _, _, said in found if "id" in said}) == 4 * 5
    assert begun


def test_a_body_that_comes_in_parts_is_answered_as_a_whole_one(served: Served) -> None:
    whole = request()
    with connected(served) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in range(1, len(whole), 17):
            line.sendall(whole[:cut])
            line.sendall(whole[cut:])
            ((status, _, said),) = answers(line, 1)
            assert (status, said["prediction"]) == (200, "Adelie")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(more=b"Expect: 100-continue\r\n"), 100),
        (request(more=b"Connection: close\r\n"), 200),
        (request(line=b"POST /predict HTTP/1.0"), 200),
        (request(line=b"POST /predict?a=1 HTTP/1.1"), 200),
        (request(line=b"PUT /predict HTTP/1.1"), 405),
        (request(line=b"POST /predict HTTP/1.1", more=b"Content-Encoding: gzip\r\n"), 415),
        (request(b" " * 20_000 + BODY), 200),
        (request(b"[]"), 422),
        (request(b"{"), 400),
        (request().replace(b"application/json", b"text/plain"), 415),
        (request().replace(b"application/json", b"application/json; charset=utf-8"), 200),
        (request().replace(b"Host: localhost", b"Host: evil.example"), 421),
        (request().replace(b"Host: localhost\r\n", b""), 421),
    ],
)
def test_what_is_not_plain_goes_the_usual_way(
    served: Served, begun: list[bytes], sent: bytes, status: int
) -> None:
    with connected(served) as line:
        line.sendall(sent)
        assert line.recv(12).split()[1] == b"%d" % status
    assert begun == []


def test_a_client_that_leaves_takes_nobody_along(served: Served, begun: list[bytes]) -> None:
    for _ in range(20):
        with connected(served) as line:
            line.sendall(request() * 3)
    eventually(lambda: len(begun) >= 20)
    with connected(served) as line:
        line.sendall(request())
        assert answers(line, 1)[0][0] == 200
