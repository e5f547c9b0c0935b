"""`rookery doctor` against real sockets, servers and files."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from unittest.mock import patch

import pytest
from mlflow import MlflowClient

from rookery.cli import run_command
from rookery.jobs.doctor import collect, project_checks
from rookery.jobs.doctor.findings import Finding
from rookery.jobs.doctor.ports import Port, ports
from rookery.jobs.doctor.web import clock
from rookery.settings import get_settings
from rookery.stack.doctor import endpoints


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """MLflow is told user and password through the environment."""
    with patch.dict(os.environ):
        yield


@contextmanager
def serving(status: int, kind: str, body: bytes, ahead: float = 0.0) -> Iterator[int]:
    """A server of one answer, whose clock is ahead by so many seconds; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def greeting(words: bytes) -> Iterator[int]:
    """A server of another kind, which speaks first to whoever connects."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(words)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def faults(found: list[Finding], check: str) -> list[Finding]:
    return [one for one in found if one.check == check and one.level != "ok"]


def point(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()


def test_a_whole_project_has_no_fault(home, monkeypatch, capfd):
    monkeypatch.chdir(home.parent)
    assert run_command(["doctor", "--json"]) == 0
    findings = json.loads(capfd.readouterr().out)["findings"]
    names = {"python", "libraries", "serving", "settings", "tasks", "tables", "tracking", "disk"}
    assert names | {"memory", "ports", "localhost"} == {item["check"] for item in findings}


def test_a_setting_that_is_refused_is_one_finding_among_others(empty_home, monkeypatch):
    point(monkeypatch, MLFLOW_TRACKING_URI="")
    found = collect(project_checks())
    (fault,) = faults(found, "settings")
    assert (fault.level, "MLFLOW_TRACKING_URI" in fault.message) == ("error", True)
    assert any(one.check == "libraries" for one in found)


def test_a_taken_port_is_named_with_who_holds_it_and_a_free_one():
    with silent() as taken:
        (fault,) = ports([Port("API_PORT", taken, "the API")], level="error")
        assert fault.level == "error"
        assert f"(process {os.getpid()})" in fault.message
        free = int(str(fault.mend).partition("=")[2].split()[0])
        socket.create_server(("127.0.0.1", free)).close()
        (held,) = ports([Port("API_PORT", taken, "the API")], own={taken})
        assert held.level == "ok"
    (free_now,) = ports([Port("API_PORT", taken, "the API")])
    assert free_now.message == f"free: {taken}"


def test_an_address_that_this_machine_has_not_is_named():
    (fault,) = ports([Port("API_PORT", 24999, "the API", "203.0.113.7")])
    assert str(fault.mend).startswith("BIND_ADDRESS=127.0.0.1")
    assert "203.0.113.7, which is no address of this machine" in fault.message


def test_a_page_in_place_of_mlflow_is_told_apart_without_waiting(empty_home, monkeypatch):
    with serving(200, "text/html", b"<html>hello</html>") as port:
        point(monkeypatch, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
        (fault,) = faults(collect(project_checks()), "tracking")
    assert (fault.level, "is not MLflow (200, text/html)" in fault.message) == ("error", True)


def test_the_host_check_of_mlflow_is_mended_by_a_line(empty_home, monkeypatch):
    with serving(403, "text/plain", b"Invalid Host header - possible attack") as port:
        point(monkeypatch, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
        (fault,) = faults(collect(project_checks()), "tracking")
    assert f"MLFLOW_ALLOWED_HOSTS=127.0.0.1:{port}" in str(fault.mend)


@pytest.mark.parametrize(
    ("ahead", "level"), [(0.0, "ok"), (60.0, "warning"), (-60.0, "warning"), (3600.0, "error")]
)
def test_a_clock_that_is_off_is_found(ahead, level):
    with serving(200, "text/plain", b"OK", ahead) as port:
        (found,) = clock([f"http://127.0.0.1:{port}/health"])
    assert found.level == level
    if ahead:
        assert f"{abs(ahead):.0f} s" in found.message


def test_servers_that_are_something_else_are_told_apart():
    with greeting(b"SSH-2.0-other\r\n") as port:
        place = ("127.0.0.1", port)
        found = [*endpoints.postgres(place), *endpoints.mysql(place)]
    assert [one.level for one in found] == ["error", "error"]
    assert "POSTGRES_PORT" in str(found[0].mend)


def test_an_api_without_a_model_is_a_warning_with_the_command_that_promotes():
    body = json.dumps({"detail": "no version yet", "next": "rookery promote penguins"}).encode()
    with serving(503, "application/problem+json", body) as port:
        found = list(endpoints.api(("127.0.0.1", port)))
    assert found[-1].level == "warning"
    assert "docker compose exec jupyter rookery promote penguins" in str(found[-1].mend)


def test_an_api_that_has_just_started_is_a_warning():
    body = json.dumps({"detail": "being loaded", "next": "GET /ready says when it answers"})
    with serving(503, "application/problem+json", body.encode()) as port:
        found = list(endpoints.api(("127.0.0.1", port)))
    assert (found[-1].level, found[-1].mend) == ("warning", "rookery doctor, in a minute")


def test_everything_hanging_takes_less_than_fifteen_seconds(empty_home, monkeypatch, capfd):
    with silent() as database, silent() as server:
        point(
            monkeypatch,
            DATABASE_URL=f"mysql://user:word@127.0.0.1:{database}/tables",
            MLFLOW_TRACKING_URI=f"http://127.0.0.1:{server}",
        )
        started = time.monotonic()
        code = run_command(["doctor", "--json"])
        took = time.monotonic() - started
    output = capfd.readouterr().out
    wrong = {one["check"] for one in json.loads(output)["findings"] if one["level"] == "error"}
    assert (code, wrong) == (1, {"tables", "tracking"})
    assert took < 15
    assert "word@" not in output


def test_a_proxy_that_gets_requests_to_our_own_servers_is_named(empty_home, monkeypatch):
    with serving(502, "text/html", b"the proxy") as port:
        point(
            monkeypatch,
            http_proxy=f"http://ada:lovelace@127.0.0.1:{port}",
            no_proxy="localhost",
            MLFLOW_TRACKING_URI="http://mlflow:5005",
        )
        found = collect(project_checks())
    (fault,) = faults(found, "proxy")
    assert "http://mlflow:5005 go through the proxy" in fault.message
    assert "lovelace" not in str(found)
    assert "add mlflow to NO_PROXY" in str(fault.mend)
    assert faults(found, "tracking")


def test_an_alias_in_another_case_is_named(home_copy):
    settings = get_settings()
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    client.set_registered_model_alias("penguins", "Production", "1")
    (fault,) = faults(collect(project_checks()), "aliases")
    assert (fault.level, "'Production' beside 'production'" in fault.message) == ("warning", True)


def test_a_promotion_whose_process_died_is_named_with_the_command_that_ends_it(home_copy):
    begin = (
        "import os; from rookery.settings import get_settings; "
        "from rookery.stores.ledger import Ledger; "
        "Ledger(get_settings().tables_url).begin('penguins', '1', 'promotion'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", begin], check=True)
    (fault,) = faults(collect(project_checks()), "promotions")
    assert str(fault.mend).startswith("rookery status penguins")
    assert run_command(["status"]) == 0
    assert faults(collect(project_checks()), "promotions") == []


def test_without_docker_nothing_is_wrong_in_a_folder_that_has_a_stack(
    home_copy, monkeypatch, capfd
):
    monkeypatch.chdir(home_copy.parent)
    Path("docker-compose.yaml").write_text("services: {}\n", encoding="utf-8")
    Path(".env").write_text("API_PROT=1\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(home_copy))
    assert run_command(["doctor", "--json"]) == 0
    findings = json.loads(capfd.readouterr().out)["findings"]
    (docker,) = [item for item in findings if item["area"] == "docker"]
    assert docker["message"].startswith("not installed")
    (misspelt,) = [item for item in findings if item["check"] == ".env"]
    assert misspelt["mend"] == "did you mean API_PORT?"
