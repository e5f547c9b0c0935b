"""The pictures in images/, from the stack that runs from this checkout: `make up screenshots`.

The tests of the pages draw the same ones from `make local`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import chromium
import requests
from PIL import Image
from playwright.sync_api import Page, expect
from servers import free_port, is_free

from rookery import text
from rookery.errors import RookeryError, Unavailable

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "images"
METRICS = ("cv_accuracy", "cv_accuracy_std", "cv_log_loss", "holdout_accuracy")
MINUTES = 60_000
KEYS = ("/run/keys/root_user", "/run/keys/root_password")


def main() -> int:
    try:
        chromium.find()
        pages = of_the_stack()
        with settings_for_pictures(pages["notebook"]):
            run_the_notebooks(pages["notebook"])
            for draw, height in ((mlflow, 980), (notebook, 1080), (docs, 1560), (minio, 900)):
                with chromium.page(height=height, login=("admin", pages["password"])) as page:
                    draw(page, pages[draw.__name__])
                    print(keep(page, IMAGES / f"{draw.__name__}.png"))
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        return error.exit_code
    return 0


def of_the_stack() -> dict[str, str]:
    """What `welcome` prints: the password, and the address of each picture's page."""
    said = compose("run", "--rm", "--no-deps", "welcome")
    names = {"MLflow": "mlflow", "API": "docs", "MinIO console": "minio"}
    found = re.findall(rf"^({'|'.join(names)}) +(http\S+)", said, re.M)
    pages = {names[name]: address for name, address in found}
    password = re.search(r"^ +password +(\S+)$", said, re.M)
    link = re.search(r"^ +(http\S+token=\S+)$", said, re.M)
    if not (password and link and len(pages) == len(names)):
        raise Unavailable(f"the stack does not say where it is:\n{said}", next="docker compose up")
    return {**pages, "password": password[1], "notebook": link[1]}


def compose(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", "compose", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise Unavailable(done.stderr.strip(), next="docker compose up")
    return done.stdout


@contextmanager
def settings_for_pictures(link: str) -> Iterator[None]:
    """JupyterLab renders cells out of sight too, and saves no outputs into the checkout."""
    root, _, token = link.partition("/lab/tree/")[0], *link.partition("?token=")[1:]
    wanted: dict[str, dict[str, object]] = {
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
        "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    }
    with requests.Session() as session:
        session.headers["Authorization"] = f"token {token}"

        def put(name: str, value: dict[str, object]) -> None:
            place = f"{root}/lab/api/settings/{name}"
            session.put(place, json={"raw": json.dumps(value)}, timeout=10).raise_for_status()

        for name, value in wanted.items():
            put(name, value)
        try:
            yield
        finally:
            for name in wanted:
                put(name, {})


def run_the_notebooks(link: str) -> None:
    """The four of them as a user would: opened, every cell run, without an error to be seen."""
    for place in sorted((ROOT / "notebooks").glob("*.ipynb")):
        with chromium.page() as page:
            # JupyterLab remembers what was open, and its locators would find both
            page.goto(link.replace("01_ingest.ipynb", place.name) + "&reset")
            run_all(page)
            faults = page.locator("[data-mime-type='application/vnd.jupyter.error']")
            if faults.count():
                raise Unavailable(f"{place.name} failed: {faults.first.inner_text()}")
            print(f"{place.name} ran")


def minio(page: Page, address: str) -> None:
    """The bucket of artifacts in the console of the object store."""
    user, password = (compose("exec", "-T", "minio", "cat", key) for key in KEYS)
    page.goto(f"{address}/login")
    page.locator("#accessKey").fill(user)
    page.locator("#secretKey").fill(password)
    page.locator("#do-login").click()
    page.get_by_role("button", name="Acknowledge").click()  # its licence, at the first visit
    page.get_by_role("button", name="mlflows3").click()
    folder = page.get_by_text("artifacts", exact=True).first
    expect(folder).to_be_visible(timeout=MINUTES)
    folder.click()


@contextmanager
def local(project: Path) -> Iterator[dict[str, str]]:
    """The pages of `make local` after one `rookery run`; notebooks are copies, to be run."""
    for folder in ("tasks", "notebooks", "jupyter"):
        shutil.copytree(ROOT / folder, project / folder)
    settings = project / "lab" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # cells out of sight are rendered too, so that the page can be scrolled to any of them
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    own = {
        "ROOKERY_HOME": str(project / "home"),
        "API_PORT": str(8000 if is_free(8000) else free_port()),
        "JUPYTERLAB_SETTINGS_DIR": str(project / "lab"),
        "JUPYTERLAB_WORKSPACES_DIR": str(project / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(project / "config"),
    }
    environment = {**os.environ, **own}
    rookery = [sys.executable, "-m", "rookery.cli", "run"]
    if subprocess.run(rookery, cwd=project, env=environment, stdout=sys.stderr).returncode:
        raise Unavailable("rookery run failed; what it said stands above")
    ports = ["--mlflow-port", str(free_port()), "--jupyter-port", str(free_port())]
    script = [sys.executable, str(ROOT / "scripts" / "local.py"), *ports]
    with subprocess.Popen(
        script, cwd=project, env=environment, stdout=subprocess.PIPE, text=True
    ) as servers:
        try:
            yield addresses(servers)
        finally:
            servers.terminate()
            servers.communicate()


def addresses(servers: "subprocess.Popen[str]") -> dict[str, str]:
    """What local.py prints once everything answers."""
    said = ""
    for line in servers.stdout or ():
        said += line
        if "Ctrl-C" in line:
            found = dict(re.findall(r"^(MLflow|JupyterLab|API) +(http\S+)$", said, re.M))
            names = {"MLflow": "mlflow", "JupyterLab": "notebook", "API": "docs"}
            return {names[name]: address for name, address in found.items()}
    raise Unavailable(f"scripts/local.py did not start:\n{said}")


def mlflow(page: Page, address: str) -> None:
    """The candidates of the sweep, the best first."""
    state = json.dumps({"selectedColumns": [f"metrics.`{name}`" for name in METRICS]})
    stored = {
        'MLflowLocalStorage-1.1-ExperimentPage-["1"]-ReactComponentState': state,
        "mlflow.assistant.panelOpen_v1": "false",
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    }
    for key, value in stored.items():
        page.add_init_script(f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)})")
    candidates = quote("attributes.run_name != 'sweep'")
    order = f"orderByKey={quote('metrics.`cv_accuracy`')}&orderByAsc=false"
    query = f"workflowType=machine_learning&searchFilter={candidates}&{order}"
    page.goto(f"{address}/#/experiments/1/runs?{query}")
    expect(page.get_by_text(re.compile(r"^[1-9]\d* matching runs"))).to_be_visible(timeout=MINUTES)
    for name in METRICS:  # as wide as their names
        edge = page.locator(f".ag-header-cell[col-id='metrics.`{name}`'] .ag-header-cell-resize")
        edge.drag_to(edge, target_position={"x": 36, "y": 5}, force=True)


def notebook(page: Page, address: str) -> None:
    """The first notebook, run from top to bottom, at its picture of pairs."""
    page.goto(f"{address}&reset")
    run_all(page)
    page.get_by_role("heading", name="And two columns together?").evaluate(
        "heading => heading.scrollIntoView({block: 'start'})"
    )


def run_all(page: Page) -> None:
    """Runs every cell of the notebook that is open, and waits for the last one."""
    expect(page.get_by_text(re.compile(r"\| Idle$"))).to_be_visible(timeout=MINUTES)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=5 * MINUTES)


def docs(page: Page, address: str) -> None:
    """What `/predict` takes, and an answer to its example."""
    page.goto(address)
    predict = page.locator(".opblock", has=page.locator("[data-path='/predict']"))
    predict.locator(".opblock-summary").click()
    predict.get_by_role("button", name="Try it out").click()
    predict.get_by_role("button", name="Execute").click()
    expect(predict.get_by_text("Response body")).to_be_visible()
    predict.get_by_role("tab", name="Schema").first.click()
    predict.get_by_role("button", name="Expand all").first.click()
    predict.get_by_role("button", name="bill_length_mm").first.click()
    predict.evaluate("block => block.scrollIntoView({block: 'start'})")


def keep(page: Page, path: Path) -> str:
    """Saves what the page shows, in at most 256 colours, and says how large it is."""
    page.wait_for_timeout(1500)  # what is being drawn has no event that says it is done
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB"


if __name__ == "__main__":
    sys.exit(main())
