"""`make demo` as a user runs it: a process that starts a process, and leaves none."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.servers import free_port
from tests.conftest import write_task
from tests.processes import ROOT, left_after_a_while, read_until, script

WORKERS = {"LOKY_MAX_CPU_COUNT": "2"}


def run(home: Path, **environment: str) -> tuple[int, str, str]:
    with script("demo.py", folder=home.parent, **environment) as process:
        said, errors = process.communicate()
        return process.returncode, said, errors


def asked_and_answered(said: str) -> tuple[dict, dict]:
    """The record that the demo sent, and the API's answer."""
    lines = said.splitlines()
    at = next(i for i, line in enumerate(lines) if "POST /predict" in line)
    return json.loads(lines[at].partition("/predict ")[2]), json.loads(lines[at + 1])


def rookery(home: Path, *arguments: str) -> dict:
    command = [sys.executable, "-m", "rookery.cli", *arguments, "--json"]
    done = subprocess.run(command, cwd=home.parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_two_demos_in_a_row_promote_twice_and_answer_as_the_command_line_does(
    empty_home: Path,
) -> None:
    port = free_port()
    code, said, errors = run(empty_home, API_PORT=str(port))
    assert code == 0, errors
    row, answer = asked_and_answered(said)
    again = rookery(empty_home, "predict", "--row", json.dumps(row))["predictions"][0]
    assert f"http://127.0.0.1:{port}" in said
    assert answer["version"] == "1"
    assert answer | {"id": again["id"]} == again
    assert left_after_a_while({"ROOKERY_HOME": str(empty_home)}) == []

    with socket.create_server(("127.0.0.1", port)):
        code, said, errors = run(empty_home, API_PORT=str(port), API_KEY="a key of one's own")
    assert code == 0, errors
    assert f"port {port} is taken" in said
    assert "344 rows, unchanged" in said
    assert asked_and_answered(said)[1]["version"] == "2"
    assert rookery(empty_home, "status")["production"]["version"] == "2"
    assert left_after_a_while({"ROOKERY_HOME": str(empty_home)}) == []


def test_a_demo_that_fails_says_why_and_exits_as_the_command_would(empty_home: Path) -> None:
    write_task(empty_home.parent / "tasks", metric="accuracie")
    code, said, errors = run(empty_home)
    assert code == 2, errors
    assert "accuracie" in errors
    assert "Traceback" not in errors
    assert "POST /predict" not in said


@pytest.mark.parametrize(
    ("reached", "ending", "environment"),
    [
        pytest.param("clean", signal.SIGTERM, WORKERS, id="in the sweep, with workers"),
        pytest.param("promote", signal.SIGINT, {}, id="as the API starts"),
    ],
)
def test_a_demo_that_is_ended_leaves_no_process(
    empty_home: Path, reached: str, ending: signal.Signals, environment: dict[str, str]
) -> None:
    environment = environment | {"API_PORT": str(free_port())}
    with script("demo.py", folder=empty_home.parent, **environment) as process:
        read_until(process, f"{reached}\n")
        process.send_signal(ending)
        _, errors = process.communicate()
        assert process.returncode == 130, errors
        assert errors.splitlines()[-1] == "interrupted"
        assert left_after_a_while({"ROOKERY_HOME": str(empty_home)}) == []


def test_the_script_is_what_make_demo_calls() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(bin)/python scripts/demo.py" in recipe
    assert "$(bin)/python scripts/local.py" in recipe
