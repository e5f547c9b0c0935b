"""`make local` as a user runs it: three servers over the same files, and none after Ctrl-C."""

import re
import signal
import socket
from pathlib import Path

import psutil
import requests
from scripts.servers import free_port, is_free
from tests.processes import left_after_a_while, read_until, script


def ports() -> dict[str, int]:
    return {"mlflow": free_port(), "jupyter": free_port(), "api": free_port()}


def options(ports: dict[str, int]) -> list[str]:
    return ["--mlflow-port", str(ports["mlflow"]), "--jupyter-port", str(ports["jupyter"])]


def test_all_three_answer_over_the_same_files_until_ctrl_c(home_copy: Path) -> None:
    chosen = ports()
    with script("local.py", *options(chosen), API_PORT=str(chosen["api"])) as process:
        said = read_until(process, "Ctrl-C stops them all")
        mlflow = re.search(r"^MLflow +(\S+)$", said, re.M)[1]
        lab = re.search(r"^JupyterLab +(\S+)$", said, re.M)[1]
        docs = re.search(r"^API +(\S+)$", said, re.M)[1]

        found = requests.get(
            f"{mlflow}/api/2.0/mlflow/registered-models/get",
            params={"name": "penguins"},
            timeout=60,
        )
        assert found.json()["registered_model"]["aliases"][0]["alias"] == "production"
        assert requests.get(docs.replace("docs", "ready"), timeout=60).json()["version"] == "1"
        token = lab.partition("?token=")[2]
        contents = f"http://localhost:{chosen['jupyter']}/api/contents"
        assert len(token) >= 24
        assert requests.get(contents, params={"token": token}, timeout=60).status_code == 200
        assert requests.get(contents, timeout=60).status_code == 403
        assert token not in " ".join(
            part for child in psutil.Process(process.pid).children(True) for part in child.cmdline()
        )

        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert left_after_a_while({"ROOKERY_HOME": str(home_copy)}) == []
        assert all(is_free(port) for port in chosen.values())


def test_when_one_server_dies_the_others_are_stopped_and_its_last_words_are_shown(
    home_copy: Path,
) -> None:
    chosen = ports()
    with script("local.py", *options(chosen), API_PORT=str(chosen["api"])) as process:
        read_until(process, "Ctrl-C stops them all")
        api = next(
            child
            for child in psutil.Process(process.pid).children()
            if "rookery.cli" in child.cmdline()
        )
        api.kill()
        _, errors = process.communicate()
        assert process.returncode == 1
        assert "API ended with exit code -9" in errors
        assert "penguins: version 1" in errors
        assert left_after_a_while({"ROOKERY_HOME": str(home_copy)}) == []


def test_a_taken_port_is_said_before_anything_starts(empty_home: Path) -> None:
    chosen = ports()
    with (
        socket.create_server(("127.0.0.1", chosen["jupyter"])),
        script("local.py", *options(chosen), API_PORT=str(chosen["api"])) as process,
    ):
        said, errors = process.communicate()
    assert process.returncode == 2
    assert f"port {chosen['jupyter']}, for JupyterLab, is taken" in errors
    assert re.search(r"next: \S+ scripts/local.py --jupyter-port \d+", errors)
    assert said == ""
    assert not empty_home.exists()
