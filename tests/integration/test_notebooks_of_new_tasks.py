"""The notebooks tell the story of any table: only their parameter is another task."""

import random
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from tests.conftest import point_at

import rookery as rk
from rookery.serving.server import bind
from rookery.settings import get_settings

FOLDER = Path(__file__).parents[2] / "notebooks"
FEW = "split: {folds: 2}\ncandidates:\n  decision_tree: {fixed: {max_depth: 3}}\n"


def rows(target: str, count: int = 240) -> str:
    """A CSV of flats: a number or yes and no to predict, dates, money and gaps beside it."""
    draw, found = random.Random(11), [f"built,rent,town,area,{target}\n"]
    for n in range(count):
        area = draw.uniform(20, 200)
        noisy = area + draw.gauss(0, 30)
        answer = f"{noisy * 3000:.0f}" if target == "price" else ("yes" if noisy > 110 else "no")
        found.append(
            f'{1950 + n % 70}-0{1 + n % 9}-11,"${area * draw.uniform(9, 25):,.2f}",'
            f"{draw.choice(['North', 'South', '?'])},{area:.1f},{answer}\n"
        )
    return "".join(found)


def story() -> nbformat.NotebookNode:
    """All four notebooks as one, so that a kernel starts and imports only once."""
    parts = [
        nbformat.read(path, as_version=nbformat.NO_CONVERT) for path in sorted(FOLDER.glob("0*"))
    ]
    whole = parts[0]
    whole.cells += [
        cell
        for part in parts[1:]
        for cell in part.cells
        if "parameters" not in cell.metadata.get("tags", [])
    ]
    for number, cell in enumerate(whole.cells):
        cell.id = f"{cell.id}-{number}"
    return whole


@pytest.mark.parametrize(("target", "problem"), [("price", "regression"), ("sold", "binary")])
def test_a_new_task_goes_through_all_four_notebooks(tmp_path, monkeypatch, target, problem):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "flats.csv").write_text(rows(target), encoding="utf-8")
    point_at(monkeypatch, tmp_path)
    with bind("127.0.0.1", 0) as taken:  # a port at which no API answers
        monkeypatch.setenv("API_PORT", str(taken.getsockname()[1]))
    # one candidate at a time: workers would each import everything, for fits of milliseconds
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setenv("JUPYTER_PATH", str(Path(sys.prefix) / "share" / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    get_settings.cache_clear()
    drafted = rk.new("flats", str(tmp_path / "flats.csv"), target)
    assert drafted.problem == problem
    path = tmp_path / "tasks" / "flats.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("candidates:")] + FEW, encoding="utf-8")
    nbformat.write(story(), tmp_path / "story.ipynb")
    done = papermill.execute_notebook(
        tmp_path / "story.ipynb",
        tmp_path / "done.ipynb",
        {"task": "flats"},
        kernel_name="python3",
        cwd=FOLDER,
        progress_bar=False,
    )
    shown = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert [output.text for output in shown if output.get("name") == "stderr"] == []
    standing = rk.status("flats")
    assert standing["tables"] == {"raw": 240, "clean": 240, "rejected": 0, "duplicates": 0}
    assert standing["production"] is not None
    mine = next(cell for cell in done.cells if cell.id.startswith("your-turn-candidate"))
    board = next(
        out.data["text/html"] for out in mine.outputs if "text/html" in out.get("data", {})
    )
    assert "my_forest-1" in board
    assert "failed because" not in board
