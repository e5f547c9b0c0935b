"""Volumes as the stack has them, and the one-shots as real processes."""

import subprocess
import sys
from collections.abc import Callable
from os import environ
from pathlib import Path

import pytest

from rookery.stack.readers import READERS
from rookery.stack.settings import StackSettings


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """The root of the master volume and one for each reader, all empty."""
    for name in ("all", *READERS):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def one_shot() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m rookery.stack.<name>` with nothing of our own environment in its settings."""
    foreign = {
        name: value
        for name, value in environ.items()
        if name.lower() not in StackSettings.model_fields
    }

    def run(
        name: str, *arguments: str | Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"rookery.stack.{name}", *map(str, arguments)],
            env=foreign | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
