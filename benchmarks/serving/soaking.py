"""Requests at a rate over connections that are kept, each answer checked; a process of its own.

`python -m serving.soaking URL ANSWERS RATE SECONDS` prints one line of JSON. ANSWERS is a file of
records, and for each version the labels that its pipeline gives them. What is kept does not grow
with the number of requests.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from serving.forms import RECORD, Row

CONNECTIONS = 64
ANSWER_SECONDS = 10.0
STEP_SECONDS = 0.0005  # how finely latencies are told apart
HEAD_ENDS = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass
class Soak:
    """What is asked, and what became of it."""

    requests: Sequence[bytes]
    labels: Mapping[str, Sequence[Any]]
    interval: float  # between two requests of one connection
    until: float
    turns: Iterator[int]
    failed: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    def check(self, number: int, status: bytes, body: bytes) -> None:
        if status != b"200":
            self.failed[status.decode()] += 1
            return
        answer = json.loads(body)
        expected = self.labels.get(answer["version"])
        if expected is None or answer["prediction"] != expected[number]:
            self.failed["wrong answer"] += 1
        self.versions[answer["version"]] += 1


class Connection(asyncio.Protocol):
    """Asks when it is due, or at once when that has passed; one request at a time."""

    def __init__(self, soak: Soak, first: float) -> None:
        self.soak, self.due = soak, first
        self.loop = asyncio.get_running_loop()
        self.ended = self.loop.create_future()
        self.number: int | None = None
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.soak.failed[f"connection lost {exc or ''}".strip()] += 1
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(HEAD_ENDS)
        if not found or len(body) < int(head.lower().split(LENGTH, 1)[1].split(b"\r", 1)[0]):
            return
        assert self.number is not None
        self.soak.check(self.number, head.split(b" ", 2)[1], body)
        self.soak.latencies[int((self.loop.time() - self.due) / STEP_SECONDS)] += 1
        self.late.cancel()
        self.received, self.number = b"", None
        self.due = max(self.due + self.soak.interval, self.loop.time() - self.soak.interval)
        self._wait()

    def _wait(self) -> None:
        if self.loop.time() >= self.soak.until:
            self.ended.set_result(None)
            self.transport.close()
        else:
            self.loop.call_at(self.due, self._ask)

    def _ask(self) -> None:
        if self.ended.done():
            return
        self.number = next(self.soak.turns)
        self.transport.write(self.soak.requests[self.number])
        self.late = self.loop.call_later(ANSWER_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self.ended.done():
            self.soak.failed[f"no answer in {ANSWER_SECONDS:.0f} s"] += 1
            self.ended.set_result(None)
            self.transport.close()


async def soaked(url: str, records: Sequence[Row], labels: Mapping[str, Any], rate: float,
                 seconds: float) -> Soak:  # fmt: skip
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    host, port = str(parts.hostname), int(parts.port or 80)
    requests = [_request(parts.netloc, record) for record in records]
    began = loop.time()
    turns = _around(len(requests))
    soak = Soak(requests, labels, CONNECTIONS / rate, began + seconds, turns)

    async def keep_asking(place: int) -> None:
        first = began + place / rate
        while loop.time() < soak.until:
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(soak, max(first, loop.time())), host, port
                )
            except OSError as error:
                soak.failed[type(error).__name__] += 1
                await asyncio.sleep(1)
            else:
                await connection.ended

    await asyncio.gather(*map(keep_asking, range(CONNECTIONS)))
    return soak


def _request(host: str, record: Row) -> bytes:
    body = RECORD.encode([record]).encode()
    head = f"POST {RECORD.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _around(count: int) -> Iterator[int]:
    while True:
        yield from range(count)


def _percentile(latencies: Counter[int], part: float) -> float:
    """In seconds."""
    left = part * latencies.total()
    for step in sorted(latencies):
        left -= latencies[step]
        if left <= 0:
            return (step + 1) * STEP_SECONDS
    return 0.0


def main() -> None:
    url, file, rate, seconds = sys.argv[1:]
    records, labels = json.loads(Path(file).read_text(encoding="utf-8"))
    soak = asyncio.run(soaked(url, records, labels, float(rate), float(seconds)))
    said = {
        "answered": soak.latencies.total(),
        "versions": soak.versions,
        "failed": soak.failed,
        "p50": _percentile(soak.latencies, 0.50),
        "p99": _percentile(soak.latencies, 0.99),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
