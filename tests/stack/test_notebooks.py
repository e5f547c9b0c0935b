"""Notebooks in the JupyterLab of the stack: run by its kernels, saved by it, as browsers do."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
import websocket
from nbformat import NotebookNode
from ruamel.yaml import YAML
from tests.stack.conftest import give_to
from tests.stack.stack import ROOT, Stack, wait_until

NAMES = ["01_ingest", "02_clean", "03_sweep", "04_promote"]
PEOPLE = Path(__file__).with_name("people_notebook.ipynb")


class Jupyter:
    """What a browser does with JupyterLab, over the published port."""

    def __init__(self, stack: Stack) -> None:
        token = {"Authorization": f"token {stack.password}"}
        address = stack.address("JUPYTER_PORT")
        self.http = httpx.Client(base_url=f"{address}/api", headers=token, timeout=60)
        self.channels = address.replace("http", "ws") + "/api/kernels/{}/channels"

    def save(self, path: str, notebook: NotebookNode) -> httpx.Response:
        content = json.loads(nbformat.writes(notebook))
        body = {"type": "notebook", "format": "json", "content": content}
        return self.http.put(f"/contents/{path}", json=body)

    def run(self, path: str, notebook: NotebookNode) -> NotebookNode:
        """Runs all cells in a kernel of their own; an error in one ends the test."""
        wish = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.http.post("/sessions", json=wish).raise_for_status().json()
        kernel = self.channels.format(session["kernel"]["id"])
        token = [f"Authorization: {self.http.headers['Authorization']}"]
        channel = websocket.create_connection(kernel, header=token, timeout=180)
        try:
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs = outputs_of(channel, cell.source)
        finally:
            channel.close()
            self.http.delete(f"/sessions/{session['id']}").raise_for_status()
        return notebook


def outputs_of(channel: Any, source: str) -> list[NotebookNode]:
    """Runs one cell, and returns what it shows once the kernel is idle again."""
    asked = uuid.uuid4().hex
    header = {"msg_id": asked, "msg_type": "execute_request", "session": asked, "version": "5.3"}
    wish = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": wish}
    channel.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    found, answered, idle = [], False, False
    while not (answered and idle):
        said = json.loads(channel.recv())
        if said["parent_header"].get("msg_id") != asked:
            continue
        kind, content = said["msg_type"], said["content"]
        answered |= kind == "execute_reply"
        idle |= kind == "status" and content["execution_state"] == "idle"
        if kind == "error":
            raise AssertionError(f"{source}\n\n" + "\n".join(content["traceback"]))
        if kind in ("stream", "display_data", "execute_result"):
            content.pop("transient", None)
            found.append(nbformat.from_dict({"output_type": kind, **content}))
    return found


def committed(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def streams(notebook: NotebookNode) -> str:
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in shown if output.output_type == "stream")


@pytest.fixture(scope="module")
def jupyter(promoted: Stack) -> Jupyter:
    return Jupyter(promoted)


@pytest.fixture(scope="module")
def ran(jupyter: Jupyter) -> dict[str, NotebookNode]:
    """The four notebooks, run in their order."""
    return {
        name: jupyter.run(
            f"notebooks/{name}.ipynb", committed(ROOT / "notebooks" / f"{name}.ipynb")
        )
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_to_its_end_and_is_saved_with_its_pictures(promoted, jupyter, ran, name):
    path = f"notebooks/ran_{name}.ipynb"
    assert jupyter.save(path, ran[name]).status_code == httpx.codes.CREATED
    saved = promoted.folder / path
    try:
        kinds = {
            kind
            for cell in committed(saved).cells
            for output in cell.get("outputs", [])
            for kind in output.get("data", {})
        }
        assert "text/html" in kinds
        assert saved.stat().st_uid == 1000
    finally:
        jupyter.http.delete(f"/contents/{path}").raise_for_status()
    assert not saved.exists()


def test_the_notebooks_left_a_sweep_in_mlflow_and_a_version_that_the_api_serves(promoted, ran):
    state = json.loads(promoted.rookery("status", "--json").stdout)
    assert state["tables"] == {"raw": 344, "clean": 333, "rejected": 11, "duplicates": 0}
    parent = state["sweep"]["run_id"]
    children = f"SELECT COUNT(*) FROM tags WHERE key = 'mlflow.parentRunId' AND value = '{parent}'"
    assert promoted.postgres(children) == [(22,)]  # the last one has a candidate of its own
    version = state["production"]["version"]
    wait_until(lambda: promoted.predict()["version"] == version, "the API serves it", 10)


def test_links_in_a_notebook_open_the_published_address_of_mlflow(promoted, ran):
    shown = nbformat.writes(ran["03_sweep"])
    assert promoted.address("MLFLOW_PORT") in shown
    assert "http://mlflow:5005" not in shown


@pytest.fixture
def open_gate(promoted: Stack) -> Iterator[None]:
    """The task as it is, but for a gate that lets any model pass."""
    path = promoted.folder / "tasks" / "penguins.yaml"
    text = path.read_text(encoding="utf-8")
    yaml = YAML()
    task = yaml.load(text)
    task["gate"] = {"minimum": {"accuracy": 0.1}, "not_worse_than_production": False}
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(task, file)
    yield
    path.write_text(text, encoding="utf-8")


def test_a_notebook_of_plain_clients_runs_unchanged_and_its_run_can_be_promoted(
    promoted, jupyter, open_gate
):
    before = promoted.production()
    told = streams(jupyter.run("notebooks/people.ipynb", committed(PEOPLE)))
    assert "answer Adelie" in told
    stored = promoted.s3("jobs").head_object(Bucket="api-artifacts", Key="people/importances.png")
    assert stored["ContentLength"] > 1000
    run = told.split("run_id ", 1)[1].split()[0]
    version = json.loads(promoted.rookery("promote", "--run", run, "--json").stdout)["version"]
    try:
        assert version != before
        assert promoted.production() == version
        wait_until(lambda: promoted.predict()["version"] == version, "the API follows", 10)
    finally:
        promoted.rookery("rollback")
    wait_until(lambda: promoted.predict()["version"] == before, "the API follows back", 10)


# --- whose notebooks they are


@contextmanager
def jupyter_as(stack: Stack, uid: int) -> Iterator[Jupyter]:
    """JupyterLab started again with HOST_UID and HOST_GID, its folders given to that user."""
    other = Stack(stack.folder, stack.ports, {"HOST_UID": str(uid), "HOST_GID": str(uid)})
    folders = [stack.folder / name for name in ("notebooks", "tasks", "configs")]
    for folder in folders:
        give_to(folder, uid)
    try:
        other.up("--no-deps", "jupyter")
        other.wait_healthy("jupyter")
        yield Jupyter(other)
    finally:
        for folder in folders:
            give_to(folder, 1000)
        stack.up("--no-deps", "jupyter")
        stack.wait_healthy("jupyter")


@pytest.mark.parametrize("uid", [1000, 4321])
def test_a_notebook_is_run_and_saved_as_the_user_that_host_uid_names(promoted, uid):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import os; print(os.getuid())")]
    )
    with jupyter_as(promoted, uid) as jupyter:
        ran = jupyter.run("notebooks/mine.ipynb", notebook)
        assert streams(ran) == f"{uid}\n"
        assert jupyter.save("notebooks/mine.ipynb", ran).status_code == httpx.codes.CREATED
        saved = promoted.folder / "notebooks" / "mine.ipynb"
        assert (saved.stat().st_uid, saved.stat().st_gid) == (uid, uid)
        assert promoted.rookery("status").returncode == 0
        jupyter.http.delete("/contents/notebooks/mine.ipynb").raise_for_status()


def test_a_folder_that_cannot_be_written_is_named_in_the_log_with_its_mend(promoted):
    folder = promoted.folder / "notebooks"
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        promoted.compose("restart", "jupyter")
        promoted.wait_healthy("jupyter")
        said = promoted.run("docker", "logs", promoted.containers()["jupyter"]["Id"]).stderr
        assert "/project/notebooks cannot be written by uid 1000" in said
        assert "sudo chown -R 1000:1000 notebooks" in said
        refused = Jupyter(promoted).save("notebooks/mine.ipynb", nbformat.v4.new_notebook())
        assert refused.is_error
        assert "ermission denied" in refused.text
    finally:
        folder.chmod(mode)
        promoted.compose("restart", "jupyter")
        promoted.wait_healthy("jupyter")
