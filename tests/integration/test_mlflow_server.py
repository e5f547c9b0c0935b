"""The MLflow server of a CI job, as its steps call it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import mlflow
import pytest
from scripts.servers import is_free

SCRIPT = Path(__file__).parents[2] / "scripts/mlflow_server.py"


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def html() -> Iterator[str]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_throw_away_server_answers_is_handed_on_and_goes_on_with_what_it_held(tmp_path):
    folder, handed_on = tmp_path / "server", tmp_path / "env"
    start = ("start", "--folder", str(folder))
    try:
        done = call(*start, MLFLOW_URL="", GITHUB_ENV=str(handed_on))
        assert done.returncode == 0, done.stderr
        url = re.fullmatch(r"MLFLOW_TRACKING_URI=(\S+)\n", done.stdout)[1]
        assert handed_on.read_text() == done.stdout
        client = mlflow.MlflowClient(url)
        client.create_experiment("kept")
        (tmp_path / "note.txt").write_text("an artifact")
        run = client.create_run("0")
        client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"))

        assert call("stop", "--folder", str(folder)).returncode == 0
        port = int(url.rpartition(":")[2])
        assert is_free(port)
        moved = folder.rename(tmp_path / "on another machine")
        again = call("start", "--folder", str(moved))
        client = mlflow.MlflowClient(again.stdout.strip().partition("=")[2])
        assert client.get_experiment_by_name("kept") is not None
        assert client.download_artifacts(run.info.run_id, "note.txt", str(tmp_path))
    finally:
        for path in (folder, tmp_path / "on another machine"):
            assert call("stop", "--folder", str(path)).returncode == 0


def test_one_that_does_not_come_up_fails_with_its_log_and_leaves_nothing(tmp_path):
    (tmp_path / "mlflow.db").write_text("no database")
    done = call("start", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "file is not a database" in done.stderr
    assert not (tmp_path / "server.json").exists()


def test_a_named_server_is_asked_and_none_is_started(tmp_path, html):
    folder = ("--folder", str(tmp_path / "server"))
    page = call("start", *folder, MLFLOW_URL=html)
    assert page.returncode == 2
    assert "is not an MLflow server" in page.stderr
    nobody = call("start", *folder, MLFLOW_URL="http://127.0.0.1:9")
    assert nobody.returncode == 1
    missing = call("look", *folder, MLFLOW_URL="")
    assert missing.returncode == 2
    assert "MLFLOW_URL" in missing.stderr
    assert not (tmp_path / "server").exists()
