"""The progress bar: in a terminal and in a notebook, and none where nobody looks."""

from contextlib import AbstractContextManager
from typing import Any

from tqdm.auto import tqdm


def progress(title: str, total: int | None = None) -> AbstractContextManager[Any]:
    """A bar on standard error if that is a terminal, or the notebook's own."""
    return tqdm(desc=title, total=total, leave=False, disable=None)
