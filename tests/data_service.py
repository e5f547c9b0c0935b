"""Data services for tests: ours in a process of its own, and odd ones that follow a script."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from scripts.servers import free_port, start, stop

SERVICE = Path(__file__).parents[1] / "services" / "data-api"


@contextmanager
def data_service(state: Path, **settings: str) -> Iterator[str]:
    """The address of services/data-api, in a uvicorn process; `settings` without DATA_API_."""
    port = free_port()
    address, log = f"http://127.0.0.1:{port}", state.with_suffix(".log")
    command = ["uvicorn", "main:app", "--app-dir", str(SERVICE), "--port", str(port)]
    given = {f"DATA_API_{name.upper()}": value for name, value in settings.items()}
    environment = {"DATA_API_STATE": str(state), "DATA_API_SHARE": "0.001", **given}
    server = start("the data service", command, f"{address}/health", log, environment)
    try:
        server.wait()
        yield address
    finally:
        stop([server])


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
