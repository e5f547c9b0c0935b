"""`rookery doctor` in a container of the stack and beside it, well and ill."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.stack.stack import Stack

from rookery.cli import run_command

Findings = list[dict[str, Any]]


def read(done: Any) -> tuple[int, Findings]:
    return done.returncode, json.loads(done.stdout)["findings"]


def on_host(stack: Stack) -> tuple[int, Findings]:
    return read(stack.run(sys.executable, "-m", "rookery.cli", "doctor", "--json", check=False))


def inside(stack: Stack, service: str = "jupyter") -> tuple[int, Findings]:
    return read(stack.execute(service, "rookery", "doctor", "--json", check=False))


def faults(findings: Findings) -> Findings:
    return [one for one in findings if one["level"] != "ok"]


def named(findings: Findings, *words: str) -> dict[str, Any]:
    """The one fault whose message has all the words."""
    (found,) = [one for one in faults(findings) if all(w in one["message"] for w in words)]
    return found


@pytest.mark.parametrize("service", ["jupyter", "fastapi"])
def test_inside_a_healthy_stack_nothing_is_wrong(promoted, service):
    code, findings = inside(promoted, service)
    assert faults(findings) == []
    assert code == 0
    assert service in next(one["message"] for one in findings if one["check"] == "place")
    names = {one["check"] for one in findings if one["area"] == "endpoints"}
    assert {"postgres", "mysql", "minio", "jupyter", "fastapi", "clock"} == names


def test_beside_a_healthy_stack_nothing_is_wrong(promoted):
    code, findings = on_host(promoted)
    assert faults(findings) == []
    assert code == 0
    assert {one["area"] for one in findings} >= {"docker", "ports", "endpoints"}


def test_what_is_printed_names_each_area_and_how_many_faults_there_are(promoted):
    shown = promoted.rookery("doctor").stdout
    assert shown.splitlines()[0] == "machine"
    assert shown.splitlines()[-1].startswith("0 error, 0 warning, ")


def test_what_a_notebook_has_planted_for_a_shell_of_the_host_is_named(promoted):
    plant = "import pathlib; pathlib.Path('/project/notebooks/.envrc').write_text('id')"
    promoted.execute("jupyter", "python", "-c", plant)
    try:
        code, findings = on_host(promoted)
        assert code == 0
        assert "rm -r notebooks/.envrc" in named(findings, "notebooks/.envrc")["mend"]
    finally:
        (promoted.folder / "notebooks" / ".envrc").unlink()


def test_a_stopped_server_is_named_with_its_mend_on_the_host_and_inside(promoted):
    with promoted.stopped("mlflow"):
        code, findings = on_host(promoted)
        assert code == 1
        assert "docker compose up --detach mlflow" in named(findings, "mlflow is not")["mend"]
        code, findings = inside(promoted)
        assert code == 1
        fault = named(findings, "http://mlflow:5005", "does not answer")
        assert "docker compose up --detach mlflow" in fault["mend"]


def test_a_frozen_database_is_named_and_takes_no_longer_than_others(promoted):
    promoted.compose("pause", "mysql")
    try:
        code, findings = on_host(promoted)
        assert code == 1
        assert named(findings, "mysql is paused")["mend"] == "docker compose unpause mysql"
        code, findings = inside(promoted)
        assert code == 1
        assert named(findings, "mysql at mysql:3306")
    finally:
        promoted.compose("unpause", "mysql")


def test_notebooks_that_cannot_be_saved_are_named_with_their_mend(promoted):
    notebook = promoted.folder / "notebooks" / "foreign.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    notebook.chmod(0o444)
    try:
        code, findings = on_host(promoted)
        assert code == 1
        fault = named(findings, "foreign.ipynb cannot be written by 1000:1000")
        assert "notebooks" in fault["mend"]
    finally:
        notebook.unlink()


def test_a_wrong_owner_in_the_environment_file_is_named_with_its_mend(promoted):
    environment, notebooks = promoted.folder / ".env", promoted.folder / "notebooks"
    before = notebooks.stat()
    notebooks.chmod(0o755)
    environment.write_text("HOST_UID=4242\nHOST_GID=4242\nMLFLOW_PROT=1\n", encoding="utf-8")
    try:
        code, findings = on_host(promoted)
        assert code == 1
        fault = next(one for one in faults(findings) if one["check"] == "folders")
        assert "4242:4242" in fault["message"]
        assert f"HOST_UID={before.st_uid} and HOST_GID={before.st_gid}" in fault["mend"]
        misspelt = named(findings, "MLFLOW_PROT")
        assert (misspelt["level"], misspelt["mend"]) == ("warning", "did you mean MLFLOW_PORT?")
    finally:
        environment.unlink()
        notebooks.chmod(before.st_mode & 0o777)


def test_a_port_that_another_container_holds_is_named_with_the_line_that_mends_it(promoted):
    held = promoted.ports["API_PORT"]
    other = Stack(promoted.folder, promoted.ports, {"COMPOSE_PROJECT_NAME": "doctor-elsewhere"})
    code, findings = on_host(other)
    assert code == 0
    fault = named(findings, f"port {held}", "fastapi-1")
    assert fault["mend"].startswith("API_PORT=")


@pytest.mark.parametrize("command", ["ingest", "sweep"])
def test_a_job_in_the_container_of_the_api_says_where_to_run_it(promoted, command):
    done = promoted.execute("fastapi", "rookery", command, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'jobs'" in done.stderr
    assert f"docker compose exec jupyter rookery {command}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_value_that_compose_cannot_read_is_told_in_its_words(empty_home, monkeypatch, capfd):
    monkeypatch.chdir(empty_home.parent)
    Path("docker-compose.yaml").write_text(
        'services: {a: {image: a, ports: ["127.0.0.1:${API_PORT:-x}:80"]}}\n', encoding="utf-8"
    )
    assert run_command(["doctor"]) == 1
    shown = capfd.readouterr().out
    assert "Compose cannot read the stack" in shown
    assert "correct .env" in shown


def test_an_engine_that_is_away_is_a_warning_and_the_ports_are_looked_at(
    empty_home, monkeypatch, capfd
):
    monkeypatch.chdir(empty_home.parent)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{empty_home}/no.sock")
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        Path("docker-compose.yaml").write_text(
            f'services: {{fastapi: {{image: a, ports: ["127.0.0.1:{taken}:8000"]}}}}\n',
            encoding="utf-8",
        )
        assert run_command(["doctor"]) == 0
    shown = capfd.readouterr().out
    assert "the engine does not answer" in shown
    assert f"port {taken}, for the API, is taken" in shown
    assert "mend: API_PORT=" in shown
