"""Requests at a fixed rate, whatever the server does; a process of its own.

`python -m serving.open_loop URL FORM QUESTIONS RATE SECONDS` prints one line of JSON. A latency
counts from the moment at which its request was due, so that a server that stands still is charged
for all that waited (no coordinated omission). SIGTERM ends the schedule, not what is under way.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from serving import forms
from serving.forms import Form

ANSWER_SECONDS = 10.0  # one that is not answered by then has failed, and counts as that long
CONNECTIONS = 256  # at most; opened as they are needed
IDLE_SECONDS = 2.0  # uvicorn closes what is idle for five: a request then sent would be lost

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Refused(Exception):
    """An answer that is not 200, or a connection that ended."""


@dataclass
class Client:
    """Connections that are kept, and what became of each request."""

    host: str
    port: int
    idle: list[tuple[float, Connection]] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS))
    latencies: list[float] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    async def ask(self, number: int, request: bytes, due: float) -> None:
        try:
            async with asyncio.timeout_at(due + ANSWER_SECONDS), self.slots:
                self.answers.append((number, await self._exchange(request)))
        except TimeoutError:
            self.failed[f"no answer in {ANSWER_SECONDS:.0f} s"] += 1
            self.latencies.append(ANSWER_SECONDS)
        except (OSError, Refused, asyncio.IncompleteReadError) as error:
            self.failed[f"{type(error).__name__} {error}"[:80]] += 1
        else:
            self.latencies.append(asyncio.get_running_loop().time() - due)

    async def _exchange(self, request: bytes) -> bytes:
        connection = self._kept() or await asyncio.open_connection(self.host, self.port)
        reader, writer = connection
        try:
            writer.write(request)
            body = await _answer(reader)
        except BaseException:
            writer.close()  # what may still come would be taken for the next answer
            raise
        self.idle.append((asyncio.get_running_loop().time(), connection))
        return body

    def _kept(self) -> Connection | None:
        """The connection used last, unless that was long ago: then so were the others."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self.idle:
            used, (reader, writer) = self.idle.pop()
            if used > oldest and not reader.at_eof():
                return reader, writer
            writer.close()
        return None


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    body = await reader.readexactly(length)
    status = head.split(b" ", 2)[1]
    if status != b"200":
        raise Refused(status.decode())
    return body


async def at_rate(client: Client, requests: list[bytes], rate: float, seconds: float) -> None:
    """Sends each request when it is due, or at once when that has passed."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if stopping.is_set():
                break
            tasks.create_task(client.ask(number, requests[number % len(requests)], due))


def wrong_answers(form: Form, client: Client, labels: list[list[object]]) -> int:
    """How many were answered with other labels than the pipeline's."""
    assert form.labels
    said = ((number, form.labels(json.loads(body))) for number, body in client.answers)
    return sum(found != labels[number % len(labels)] for number, found in said)


def main() -> None:
    url, name, file, rate, seconds = sys.argv[1:]
    form: Form = getattr(forms, name)
    questions = json.loads(Path(file).read_text(encoding="utf-8"))
    parts = urlsplit(url)
    client = Client(str(parts.hostname), int(parts.port or 80))
    requests = [_request(parts.netloc, form, rows) for rows, _ in questions]
    asyncio.run(at_rate(client, requests, float(rate), float(seconds)))
    if wrong := wrong_answers(form, client, [labels for _, labels in questions]):
        client.failed["wrong answer"] += wrong
    print(json.dumps({"latencies": client.latencies, "failed": client.failed}))


def _request(host: str, form: Form, rows: list[forms.Row]) -> bytes:
    body = form.encode(rows).encode()
    head = f"POST {form.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    main()
