"""Progress bars: in a terminal and in a notebook, and none where nobody looks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tqdm.auto import tqdm

Progress = Callable[..., AbstractContextManager[Any]]


def quiet(title: str, total: int | None = None) -> AbstractContextManager[Any]:
    """A bar that shows nothing."""
    return tqdm(desc=title, total=total, disable=True)


def shown(title: str, total: int | None = None) -> AbstractContextManager[Any]:
    """A bar on standard error, or the notebook's own."""
    return tqdm(desc=title, total=total, leave=False)
