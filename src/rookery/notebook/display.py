"""How results and errors look in a notebook."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from html import escape
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rookery.errors import RookeryError

# where the results of the jobs are; by name, because importing the last two takes seconds
RESULTS = {
    "Ingested": "rookery.jobs.ingest",
    "CleanedTable": "rookery.jobs.clean",
    "Sweep": "rookery.jobs.leaderboard",
    "Promotion": "rookery.jobs.promote",
}


def install() -> None:
    """Makes this notebook show results as tables, errors as one message, pictures sharp.

    Outside a notebook it does nothing.
    """
    # whoever is in a notebook has imported it; nobody else needs it installed
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return
    from itables import init_notebook_mode
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    init_notebook_mode(all_interactive=False, connected=False)
    pd.set_option("display.max_colwidth", 200)  # reasons are to be read to their end
    set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]
    html = shell.display_formatter.formatters["text/html"]
    for name, module in RESULTS.items():
        html.for_type_by_name(module, name, facts)
    # IPython's own hook for what an exception shows in place of its traceback
    RookeryError._render_traceback_ = lines  # type: ignore[attr-defined]


@contextmanager
def refusals() -> Iterator[None]:
    """Shows what is refused inside the block as a message, and the notebook goes on."""
    try:
        yield
    except RookeryError as error:
        said = "<br>".join(escape(line) for line in lines(error))
        style = "border-left: 4px solid #D55E00; padding: 0.4em 0.8em"
        _display({"text/html": f'<div style="{style}">{said}</div>', "text/plain": str(error)})


def show(pictures: Mapping[str, Figure]) -> None:
    """Pictures one below the other."""
    for picture in pictures.values():
        _display(picture)


def say(text: str) -> None:
    """A sentence in Markdown below the cell."""
    _display({"text/markdown": text, "text/plain": text})


def _display(shown: Any) -> None:
    from IPython.display import display

    display(shown, raw=isinstance(shown, dict))  # type: ignore[no-untyped-call]


def facts(result: Any) -> str:
    """The plain fields of a job's result as an HTML table."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    plain = {
        name.replace("_", " "): "none" if value is None else str(value)
        for name, value in values.items()
        if value is None or isinstance(value, str | int)
    }
    return str(pd.Series(plain).to_frame().to_html(header=False, render_links=True))


def lines(error: RookeryError) -> list[str]:
    """An error as people read it: what, what is allowed, what to do next."""
    said = [f"{type(error).__name__}: {error.message}"]
    if error.allowed is not None and str(error.allowed) not in error.message:
        said.append(f"allowed: {error.allowed}")
    return [*said, f"next: {error.next}"] if error.next else said
