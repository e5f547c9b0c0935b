"""Asking the API from Python: a running one, one of its own, and what is refused."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.integration.serving.conftest import serving
from tests.processes import left_after_a_while

import rookery as rk
from rookery import notebook as nb
from rookery.errors import InputError, NotPromoted
from rookery.settings import get_settings

ASK = "from rookery import notebook as nb; print(nb.ask_api(nb.example()[0])['version'])"


@pytest.fixture
def running_api(home, monkeypatch):
    """An API at the port of the settings."""
    with serving(get_settings()) as served:
        monkeypatch.setenv("API_PORT", str(served.client.base_url.port))
        get_settings.cache_clear()
        yield served


class Stranger(BaseHTTPRequestHandler):
    """Another program, which answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def stranger(home, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("API_PORT", str(server.server_address[1]))
        get_settings.cache_clear()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_the_running_api_is_asked(running_api, capsys):
    record, _ = nb.example()
    answer, here = nb.ask_api(record), rk.predict(record)[0]
    assert answer | {"id": ""} == here | {"id": ""}
    assert str(running_api.client.base_url.port) in capsys.readouterr().out


def test_a_record_that_the_api_refuses_is_an_error_with_its_field(running_api):
    record, _ = nb.example()
    with pytest.raises(InputError) as refused:
        nb.ask_api(record | {"island": "Atlantis"})
    assert refused.value.field == "island"
    assert refused.value.value == "Atlantis"
    assert "Biscoe" in str(refused.value.allowed)


def test_a_key_that_the_api_asks_for_is_sent(home, monkeypatch):
    monkeypatch.setenv("API_KEY", "open-sesame")
    get_settings.cache_clear()
    with serving(get_settings()) as served:
        monkeypatch.setenv("API_PORT", str(served.client.base_url.port))
        get_settings.cache_clear()
        record, truth = nb.example()
        assert nb.ask_api(record)["prediction"] == truth
        assert served.client.post("/predict", json=record).status_code == 401


def test_without_a_promoted_version_there_is_nothing_to_ask(empty_home):
    with pytest.raises(NotPromoted) as refused:
        nb.ask_api({})
    assert refused.value.next == "rookery promote penguins"


def test_another_program_at_the_port_is_not_taken_for_the_api(home, stranger):
    asked = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=False, timeout=300
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.splitlines()[-1] == "1"
    assert f"No API serves version 1 of penguins at 127.0.0.1:{stranger}" in asked.stdout
    assert left_after_a_while({"API_PORT": os.environ["API_PORT"]}) == []
