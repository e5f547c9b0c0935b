"""The four notebooks, as they are committed and as a student runs them: in order, from nothing."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import nbformat
import pandas as pd
import papermill
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from tests.conftest import TASKS, point_at
from tests.processes import left_after_a_while

import rookery as rk
from rookery.serving.server import bind
from rookery.settings import get_settings

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = ["01_ingest", "02_clean", "03_sweep", "04_promote"]
LONGEST_CELL = 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project of its own with the real task, and no API at its port."""
    found = tmp_path_factory.mktemp("notebooks")
    (found / "tasks").mkdir()
    copy(TASKS / "penguins.yaml", found / "tasks")
    with pytest.MonkeyPatch.context() as patch, bind("127.0.0.1", 0) as taken:
        point_at(patch, found)
        patch.delenv("LOKY_MAX_CPU_COUNT", raising=False)  # with workers, as a student runs them
        # held by nobody who answers, so that no API of this machine is asked by chance
        patch.setenv("API_PORT", str(taken.getsockname()[1]))
        taken.close()
        patch.setenv("JUPYTER_PATH", str(Path(sys.prefix) / "share" / "jupyter"))
        patch.setenv("IPYTHONDIR", str(found / "ipython"))
        yield found
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def ran(place: Path) -> dict[str, NotebookNode]:
    """The executed notebooks by name."""
    return {
        name: papermill.execute_notebook(
            FOLDER / f"{name}.ipynb",
            place / f"{name}.ipynb",
            {"task": "penguins"},
            kernel_name="python3",
            cwd=FOLDER,
            progress_bar=False,
        )
        for name in NAMES
    }


def committed(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode, cell: str, kind: str) -> list[str]:
    """What a cell shows of one kind: `stream`, or a MIME type."""
    found = next(part for part in notebook.cells if part.id == cell).outputs
    if kind == "stream":
        return [output.text for output in found if output.output_type == "stream"]
    return [output.data[kind] for output in found if kind in output.get("data", {})]


def table(notebook: NotebookNode, cell: str) -> pd.DataFrame:
    """A data frame as its HTML shows it: all text, the index as the first column."""
    html = BeautifulSoup(outputs(notebook, cell, "text/html")[-1], "html.parser")
    lines = [
        [part.get_text(strip=True) for part in line.find_all(["th", "td"])]
        for line in html.find_all("tr")
    ]
    heads = len(html.select("thead tr"))
    columns = lines[0] if heads else range(len(lines[0]))
    frame = pd.DataFrame(lines[heads:], columns=columns)
    # pandas gives a named index a heading of its own, below that of the columns
    return frame.rename(columns={frame.columns[0]: lines[1][0]}) if heads == 2 else frame


def facts(notebook: NotebookNode, cell: str) -> dict[str, str]:
    """The table of a job's result."""
    return dict(table(notebook, cell).itertuples(index=False, name=None))


def value(notebook: NotebookNode, cell: str) -> Any:
    return ast.literal_eval(outputs(notebook, cell, "text/plain")[-1])


def pictures(notebook: NotebookNode, cell: str) -> int:
    return len(outputs(notebook, cell, "image/png"))


def linked_runs(notebook: NotebookNode, cell: str) -> set[str]:
    return set(re.findall(r"/runs/([0-9a-f]{32})", outputs(notebook, cell, "text/html")[-1]))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_without_outputs(name):
    for cell in code(committed(name)):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_only_calls_and_shows(name):
    for cell in code(committed(name)):
        parts = list(ast.walk(ast.parse(cell.source)))
        made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [part for part in parts if isinstance(part, made)], cell.id
        assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.id


@pytest.mark.parametrize("name", NAMES)
def test_code_names_no_path_no_password_and_no_column(name):
    source = "\n".join(cell.source for cell in code(committed(name)))
    assert not re.search(r"""["'](/|~|\.\.?/|[A-Z]:)|password|token|https?:""", source)
    assert not re.search(r"species|island|_mm\b|_g\b|sex\b", source)


@pytest.mark.parametrize("name", NAMES)
def test_cells_have_ids_that_say_what_they_are(name):
    ids = [cell.id for cell in committed(name).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", found) for found in ids)


@pytest.mark.parametrize("name", NAMES)
def test_the_task_is_the_only_parameter(name):
    tagged = [c for c in code(committed(name)) if "parameters" in c.metadata.get("tags", [])]
    assert [cell.source for cell in tagged] == ['task = "penguins"']


@pytest.mark.parametrize(("name", "following"), zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True))
def test_a_notebook_ends_with_a_link_to_the_next(name, following):
    last = committed(name).cells[-1]
    assert last.cell_type == "markdown"
    assert f"[{following}]({following}.ipynb)" in last.source


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_a_cell_for_the_student(name):
    assert any("## Your turn" in cell.source for cell in committed(name).cells)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_without_a_word_of_warning(ran, name):
    shown = [output for cell in code(ran[name]) for output in cell.outputs]
    assert [output.text for output in shown if output.get("name") == "stderr"] == []


def test_ingest_shows_344_rows_with_their_gaps(ran):
    arrived = ran["01_ingest"]
    assert facts(arrived, "ingest")["rows"] == "344"
    assert value(arrived, "ingest-again") is True
    assert "344 rows" in outputs(arrived, "sql", "text/html")[0]
    assert table(arrived, "your-turn-sql")["arrived"].tolist() == ["344"]
    assert "Body mass" in table(arrived, "columns")["meaning"].tolist()


@pytest.mark.parametrize("cell", ["missing", "distributions", "pairs"])
def test_ingest_shows_a_picture_once(ran, cell):
    assert pictures(ran["01_ingest"], cell) == 1


def test_clean_accounts_for_every_row(ran):
    cleaned = facts(ran["02_clean"], "clean")
    assert [cleaned[name] for name in ("raw", "clean", "rejected", "duplicates")] == [
        "344",
        "333",
        "11",
        "0",
    ]
    assert outputs(ran["02_clean"], "sum", "stream") == [
        "344 raw = 333 clean + 11 rejected + 0 duplicates\n"
    ]


def test_clean_shows_each_refused_row_with_its_whole_reason(ran):
    rejected = table(ran["02_clean"], "rejected")
    assert len(rejected) == 11
    assert rejected["reasons"].str.contains("sex: missing").all()
    reasons = table(ran["02_clean"], "reasons").set_index("reason")["rows"]
    assert reasons["sex: missing"] == "11"
    assert reasons["body_mass_g: missing"] == "2"


def test_clean_shows_the_one_hot_view(ran):
    onehot = table(ran["02_clean"], "onehot")
    assert {"island_Biscoe", "sex_male"} <= set(onehot.columns)
    assert "333 rows" in outputs(ran["02_clean"], "onehot", "text/html")[0]


def test_clean_shows_both_sides_of_the_split(ran):
    sides = table(ran["02_clean"], "sides")
    assert sides[["training", "hold-out"]].astype(float).to_numpy().sum() == 333
    assert sides["share held out"].astype(float).between(0.1, 0.3).all()


def test_the_leaderboard_links_all_21_candidates(ran):
    assert len(linked_runs(ran["03_sweep"], "leaderboard")) == 21


def test_a_candidate_of_ones_own_is_the_22nd(ran):
    assert len(linked_runs(ran["03_sweep"], "your-turn-candidate")) == 22
    assert "my_forest-1" in outputs(ran["03_sweep"], "your-turn-candidate", "text/html")[-1]


def test_the_sweep_shows_its_progress(ran):
    assert outputs(ran["03_sweep"], "sweep", "application/vnd.jupyter.widget-view+json")


def test_several_candidates_tie_on_the_hold_out(ran):
    said = outputs(ran["03_sweep"], "tie", "stream")[0]
    tied = int(said.split()[0])
    assert tied >= 5
    assert len(table(ran["03_sweep"], "tie")) == tied


def test_the_winner_is_drawn_from_all_sides(ran):
    assert pictures(ran["03_sweep"], "winner") == 5
    assert pictures(ran["03_sweep"], "spread") == 1


def test_the_island_nearly_gives_the_species_away(ran):
    counts = table(ran["03_sweep"], "clue").set_index("island").astype(int)
    assert counts.loc["Biscoe", "Gentoo"] == counts["Gentoo"].sum()
    assert counts.loc["Dream", "Chinstrap"] == counts["Chinstrap"].sum()


def test_the_sweep_without_the_island_registers_nothing(ran):
    compared = table(ran["03_sweep"], "without").set_index("")
    assert list(compared.columns) == ["all features", "no island"]
    assert compared.loc["cv_accuracy"].astype(float).between(0.9, 1).all()
    assert len(table(ran["04_promote"], "versions")) == 2  # of the other two sweeps


def test_the_api_gives_the_same_answer_as_the_model(ran):
    answer, record = value(ran["04_promote"], "ask"), value(ran["04_promote"], "record")
    here = rk.predict(record, "penguins")[0]  # after the rollback the first version serves again
    assert answer.pop("id") != here.pop("id")
    assert answer == here
    assert "says Adelie; it is Adelie" in outputs(ran["04_promote"], "compare", "stream")[0]


def test_the_api_that_a_notebook_starts_is_announced(ran):
    said = outputs(ran["04_promote"], "ask", "text/markdown")[0]
    assert "`rookery serve`" in said
    assert not outputs(ran["04_promote"], "follow", "text/markdown")[0].startswith("No API")


def test_the_api_follows_promotion_and_rollback(ran):
    promoted = ran["04_promote"]
    first, second = (facts(promoted, cell)["version"] for cell in ("promote", "your-turn-promote"))
    assert first != second
    assert value(promoted, "ask")["version"] == first
    assert value(promoted, "follow")["version"] == second
    assert facts(promoted, "rollback")["version"] == first
    assert value(promoted, "back") == first


def test_the_second_promotion_shows_how_it_compared(ran):
    compared = table(ran["04_promote"], "comparison")
    assert compared["metric"][0] == "accuracy"
    assert {"difference", "low", "high"} <= set(compared.columns)
    said = outputs(ran["04_promote"], "comparison", "text/markdown")[0]
    assert "67 of 67 hold-out rows; neither was trained on them" in said


def test_the_gate_refuses_the_weakest_in_one_message(ran):
    said = outputs(ran["04_promote"], "refused", "text/html")[0]
    assert "refused by the gate" in said
    assert "worse than production" in said


def test_the_project_stands_as_the_last_notebook_says(ran):
    standing = rk.status("penguins")
    assert standing["production"]["version"] == facts(ran["04_promote"], "promote")["version"]
    outcomes = [entry["outcome"] for entry in standing["ledger"]]
    assert outcomes == ["done", "done", "refused", "done"]
    shown = table(ran["04_promote"], "ledger-again")
    assert shown["outcome"].tolist() == outcomes[::-1]


def test_no_server_outlives_its_notebook(ran, place):
    assert left_after_a_while({"ROOKERY_HOME": str(place / "home")}) == []
