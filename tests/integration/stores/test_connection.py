"""What stands at the tracking address: MLflow, something else, or nothing."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

import pytest

from rookery.errors import InputError, Unavailable
from rookery.settings import Settings
from rookery.stores.tracking import Tracking


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """MLflow is told user and password through the environment."""
    with patch.dict(os.environ):
        yield


def answers(status: int, kind: str, body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    asked: list[tuple[str, str | None]] = []
    Handler.asked = asked
    return Handler


@pytest.fixture
def serving() -> Iterator:
    """Starts a server of one answer; gives its address and the list of what was asked."""
    servers = []

    def start(status: int, kind: str, body: bytes) -> tuple[str, list]:
        handler = answers(status, kind, body)
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def tracking(uri: str, **given: str) -> Tracking:
    return Tracking(Settings(mlflow_tracking_uri=uri, **given))


def test_a_page_that_answers_html_is_not_taken_for_a_server(serving):
    uri, asked = serving(200, "text/html; charset=utf-8", b"<html>hello</html>")
    with pytest.raises(InputError, match="not an MLflow server") as caught:
        tracking(uri).experiment("penguins")
    assert caught.value.field == "MLFLOW_TRACKING_URI"
    assert caught.value.value == uri
    assert asked[0][0].startswith("/api/2.0/mlflow/")


@pytest.mark.parametrize(("status", "body"), [(401, b"who are you"), (403, b"Invalid Host header")])
def test_a_server_that_refuses_us_is_reported_with_its_words(serving, status, body):
    uri, asked = serving(status, "text/plain", body)
    with pytest.raises(InputError, match=body.decode()) as caught:
        tracking(
            uri, mlflow_tracking_username="ada", mlflow_tracking_password="lovelace"
        ).experiment("penguins")
    assert "lovelace" not in str(caught.value.as_dict())
    assert asked[0][1].startswith("Basic ")


def test_a_server_that_fails_is_unavailable(serving):
    error = json.dumps({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "the store is away"})
    uri, _ = serving(400, "application/json", error.encode())
    with pytest.raises(Unavailable, match="the store is away") as caught:
        tracking(uri).experiment("penguins")
    assert caught.value.next == "rookery doctor"


def test_nothing_that_listens_is_unavailable_and_the_setting_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unavailable, match=uri) as caught:
        tracking(uri).experiment("penguins")
    assert caught.value.field == "MLFLOW_TRACKING_URI"


def test_a_host_that_does_not_exist_is_unavailable():
    with pytest.raises(Unavailable, match=r"mlflow\.invalid"):
        tracking("http://mlflow.invalid:5005").experiment("penguins")


@pytest.mark.parametrize("uri", ["https://mlflow.example.org/base/", "http://127.0.0.1:5005"])
def test_the_link_of_a_run_is_below_the_server(uri):
    assert tracking(uri).link("7", "abc") == f"{uri.rstrip('/')}/#/experiments/7/runs/abc"
