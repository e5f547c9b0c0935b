"""What stands at the tracking address: MLflow, something else, or nothing."""

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

import pytest

from rookery.errors import InputError, Refused, Unavailable
from rookery.settings import Settings
from rookery.stores import registry
from rookery.stores.tracking import Tracking


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """MLflow is told user and password through the environment."""
    with patch.dict(os.environ):
        yield


def answers(
    status: int, kind: str, body: bytes, headers: Mapping[str, str]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in headers.items():
                self.send_header(name, value)
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

    def start(status: int, kind: str, body: bytes, **headers: str) -> tuple[str, list]:
        handler = answers(status, kind, body, headers)
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


def test_a_gateway_before_a_server_that_is_away_is_unavailable(serving):
    uri, _ = serving(502, "text/html", b"<html>Bad Gateway</html>")
    with pytest.raises(Unavailable, match="fails: 502 Bad Gateway"):
        tracking(uri).experiment("penguins")


@pytest.mark.parametrize("body", [b'{"detail": "Not Found"}', b"[]", b"never mind"])
def test_another_api_is_not_taken_for_a_server(serving, body):
    uri, _ = serving(404, "application/json", body)
    with pytest.raises(InputError, match=r"not an MLflow server \(404, application/json\)"):
        tracking(uri).experiment("penguins")


def test_a_login_page_that_we_are_sent_on_to_is_named_without_what_it_was_asked(serving):
    page, _ = serving(200, "text/html", b"<html>Log in</html>")
    uri, _ = serving(302, "text/html", b"", Location=f"{page}/login?next=secret")
    with pytest.raises(InputError, match=r"a page of http://127\.0\.0\.1") as caught:
        tracking(uri).experiment("penguins")
    assert "secret" not in str(caught.value.as_dict())


def test_nothing_that_listens_is_unavailable_and_the_setting_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unavailable, match=f"{uri} does not answer: connection refused") as caught:
        tracking(uri).experiment("penguins")
    assert caught.value.field == "MLFLOW_TRACKING_URI"


def test_a_host_that_does_not_exist_is_unavailable():
    with pytest.raises(Unavailable, match=r"mlflow\.invalid:5005 does not .*: its host has no"):
        tracking("http://mlflow.invalid:5005").experiment("penguins")


@pytest.mark.parametrize("uri", ["https://mlflow.example.org/base/", "http://127.0.0.1:5005"])
def test_the_link_of_a_run_is_below_the_server(uri):
    assert tracking(uri).link("7", "abc") == f"{uri.rstrip('/')}/#/experiments/7/runs/abc"


@pytest.mark.parametrize(
    "place",
    [
        "http://{other}/internal/x",
        "mlflow-artifacts://{other}/x",
        "ftp://elsewhere/x",
        "wasbs://models@devstoreaccount1.blob.core.windows.net/x",
        "file:///etc",
        "/etc",
    ],
)
def test_files_that_lie_elsewhere_are_not_fetched_with_our_password(serving, tmp_path, place):
    uri, asked = serving(200, "application/json", b"{}")
    other, asked_there = serving(200, "application/json", b"{}")
    user = {"mlflow_tracking_username": "ada", "mlflow_tracking_password": "lovelace"}
    with pytest.raises(Refused, match="lie elsewhere") as caught:
        tracking(uri, **user).download(
            place.format(other=other.removeprefix("http://")), tmp_path / "to"
        )
    assert uri in caught.value.allowed
    assert asked_there == []
    assert {path.partition("?")[0] for path, _ in asked} == {"/api/2.0/mlflow/experiments/search"}


@pytest.mark.parametrize(
    "given", ["file:///etc", "/etc", "{home}/artifacts/../../outside", "s3://a/b", "wasbs://a@b/c"]
)
def test_the_embedded_mode_reads_only_folders_of_the_project(empty_home, tmp_path, given):
    with pytest.raises(Refused, match="lie elsewhere") as caught:
        Tracking(Settings(rookery_home=empty_home)).download(
            given.format(home=empty_home), tmp_path / "to"
        )
    assert str(empty_home / "artifacts") in caught.value.allowed


def test_a_version_that_points_elsewhere_is_refused_where_it_points(empty_home, tmp_path):
    (tmp_path / "outside").mkdir()
    found = Tracking(Settings(rookery_home=empty_home))
    found.client.create_registered_model("penguins")
    made = found.client.create_model_version("penguins", (tmp_path / "outside").as_uri())
    for uri in (found.model_uri(made), "models:/penguins/1"):
        with pytest.raises(Refused, match="outside"):
            found.download(uri, tmp_path / "to")


def test_all_versions_are_found_however_many_there_are(empty_home, monkeypatch):
    monkeypatch.setattr(registry, "PAGE", 2)
    found = Tracking(Settings(rookery_home=empty_home))
    found.client.create_registered_model("penguins")
    for _ in range(5):
        found.client.create_model_version("penguins", empty_home.as_uri())
    assert [str(each.version) for each in found.versions("penguins")] == ["5", "4", "3", "2", "1"]
    assert found.versions("houses") == []


def test_a_file_of_a_run_is_fetched_by_its_short_address(empty_home, tmp_path):
    found = Tracking(Settings(rookery_home=empty_home))
    run = found.start_run(found.experiment("penguins"), "a run", {})
    (tmp_path / "words.txt").write_text("ok", encoding="utf-8")
    found.log_file(run, tmp_path / "words.txt", "deep")
    assert found.download(f"runs:/{run}/deep/words.txt", tmp_path / "to").read_text() == "ok"


def test_a_folder_on_this_disk_is_copied_and_starts_no_thread(empty_home, tmp_path, monkeypatch):
    found = Tracking(Settings(rookery_home=empty_home))
    run = found.start_run(found.experiment("penguins"), "a run", {})
    (tmp_path / "words.txt").write_text("ok", encoding="utf-8")
    found.log_file(run, tmp_path / "words.txt", "folder/below")
    started, start = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda one: (started.append(one), start(one)))
    copy = found.download(f"runs:/{run}/folder", tmp_path / "to")
    (copy / "below" / "words.txt").write_text("changed", encoding="utf-8")
    again = found.download(f"runs:/{run}/folder", tmp_path / "again")
    assert (again / "below" / "words.txt").read_text(encoding="utf-8") == "ok"
    assert started == []


@pytest.mark.parametrize("secret", ["words.txt", "below"])
def test_a_link_out_of_the_folder_of_a_run_is_not_copied(empty_home, tmp_path, secret):
    found = Tracking(Settings(rookery_home=empty_home))
    run = found.start_run(found.experiment("penguins"), "a run", {})
    (tmp_path / "below").mkdir()
    (tmp_path / "words.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "below" / "words.txt").write_text("secret", encoding="utf-8")
    found.log_file(run, tmp_path / "words.txt", "folder")
    folder = next((empty_home / "artifacts").rglob("folder"))
    (folder / "link").symlink_to(tmp_path / secret)
    with pytest.raises(Unavailable, match="failed"):
        found.download(f"runs:/{run}/folder", tmp_path / "to")
    assert not (tmp_path / "to" / "folder" / "link").exists()


def test_a_home_that_is_made_is_for_its_owner_only(empty_home):
    _ = Tracking(Settings(rookery_home=empty_home)).client
    assert empty_home.stat().st_mode & 0o777 == 0o700
