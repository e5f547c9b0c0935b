"""Data services for tests: ours in a process of its own, and odd ones that follow a script."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

SERVICE = Path(__file__).parents[1] / "services" / "data-api"
PATIENCE_SECONDS = 60.0


@contextmanager
def data_service(state: Path, **settings: str) -> Iterator[str]:
    """The address of services/data-api, in a uvicorn process; `settings` without DATA_API_."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {f"DATA_API_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "error"],
        cwd=SERVICE,
        env={**os.environ, "DATA_API_STATE": str(state), "DATA_API_SHARE": "0.001", **given},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def _await(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the data service has ended"
        with suppress(requests.ConnectionError):
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        time.sleep(0.05)
    raise AssertionError("the data service does not answer")


Answer = tuple[int, bytes]  # status and body


class Script:
    """What an odd service answers: `batches` in turn, `odd` instead of the next answers.

    An odd answer takes the place of a batch: the service goes on all the same.
    """

    def __init__(self, batches: list[bytes]) -> None:
        self.batches, self.odd = batches, list[Callable[[BaseHTTPRequestHandler], None]]()
        self.following, self.asked = 0, list[str]()
        self.restarted: Answer = (200, b'{"ok": true}')

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        split = urlsplit(handler.path)
        self.asked.append(f"{split.path}?{sorted(parse_qs(split.query).items())}")
        if split.path == "/restart_data_generation":
            self.following = 0
            return send(handler, *self.restarted)
        number, self.following = self.following, self.following + 1
        if self.odd:
            return self.odd.pop(0)(handler)
        if number >= len(self.batches):
            return send(handler, 400, b'{"detail": "no more"}')
        return send(handler, 200, self.batches[number])

    @property
    def restarts(self) -> int:
        return sum("restart" in asked for asked in self.asked)


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, *, length: int | None = None
) -> None:
    """An answer; a `length` beyond the body's is never met: the connection ends before."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The address of a service that follows the script."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script.answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing: standard error is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def batch(number: int | None, *rows: object) -> bytes:
    """A batch as a service sends it."""
    numbered = {} if number is None else {"batch_number": number}
    return json.dumps({"group_number": 1, **numbered, "data": rows}).encode()
