"""How errors look in a notebook."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

import rookery as rk
from rookery import notebook as nb
from rookery.errors import InputError, Refused
from rookery.notebook.display import facts, lines

CELLS = [
    "import rookery as rk\nfrom rookery import notebook as nb",
    "rk.promote('penguins')",
    "with nb.refusals():\n    rk.promote('penguins', run='<b>none</b>')",
    "1 / 0",
]


def test_an_error_of_ours_is_a_message_and_any_other_a_traceback(empty_home, tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    shown = [cell.outputs for cell in notebook.cells]
    assert shown[1][0].output_type == "error"
    assert "\n".join(shown[1][0].traceback).splitlines()[0].startswith("InputError: ")
    assert not re.search(r"Traceback|File ", "\n".join(shown[1][0].traceback))
    assert [output.output_type for output in shown[2]] == ["display_data"]
    assert "&lt;b&gt;none" in shown[2][0].data["text/html"]
    assert "ZeroDivisionError" in "\n".join(shown[3][0].traceback)
    assert "Traceback" in "\n".join(shown[3][0].traceback)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("no"), ["InputError: no"]),
        (
            Refused("too low", allowed="more", next="rookery sweep"),
            ["Refused: too low", "allowed: more", "next: rookery sweep"],
        ),
        (InputError("give one of a, b", allowed="a, b"), ["InputError: give one of a, b"]),
    ],
)
def test_a_message_has_what_is_allowed_once_and_what_to_do_next(error, said):
    assert lines(error) == said


def test_refusals_let_errors_that_are_not_ours_through():
    with pytest.raises(ZeroDivisionError), nb.refusals():
        raise ZeroDivisionError


def test_a_result_is_a_table_of_its_plain_values(home):
    shown = facts(rk.ingest())
    assert "penguins_raw" in shown
    assert "344" in shown
