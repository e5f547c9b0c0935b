"""The pictures in images/, from a real run in a project of its own: `make screenshots`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import chromium
from PIL import Image
from playwright.sync_api import Page, expect
from servers import free_port, is_free

from rookery import report
from rookery.errors import RookeryError, Unavailable

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "images"
METRICS = ("cv_accuracy", "cv_accuracy_std", "cv_log_loss", "holdout_accuracy")
MINUTES = 60_000


def main() -> int:
    try:
        chromium.find()
        with TemporaryDirectory() as folder, local(Path(folder)) as pages:
            for draw, height in ((mlflow, 980), (notebook, 1080), (docs, 1560)):
                with chromium.page(height=height) as page:
                    draw(page, pages[draw.__name__])
                    print(keep(page, IMAGES / f"{draw.__name__}.png"))
    except RookeryError as error:
        print(report.failure(error), file=sys.stderr)
        return error.exit_code
    return 0


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
    expect(page.get_by_text("21 matching runs")).to_be_visible(timeout=MINUTES)
    for name in METRICS:  # as wide as their names
        edge = page.locator(f".ag-header-cell[col-id='metrics.`{name}`'] .ag-header-cell-resize")
        edge.drag_to(edge, target_position={"x": 36, "y": 5}, force=True)


def notebook(page: Page, address: str) -> None:
    """The first notebook, run from top to bottom, at its picture of pairs."""
    page.goto(address)
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
