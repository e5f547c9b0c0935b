"""Real penguins, and tasks made for one test."""

from pathlib import Path
from typing import Any

import numpy as np
import palmerpenguins
import pandas as pd
import pytest

from rookery.core.cleaning import clean_rows, read_back
from rookery.core.task import Task
from rookery.core.taskfile import parse_task

TASK_FILE = Path(__file__).parents[3] / "tasks" / "penguins.yaml"
NOTHING_SEEN = np.array([], dtype=np.uint64)

SPECIES = {"type": "category", "values": ["p", "q"], "required": True}


@pytest.fixture(scope="session")
def penguins() -> Task:
    return parse_task(TASK_FILE.read_text(encoding="utf-8"), "tasks/penguins.yaml")


@pytest.fixture(scope="session")
def raw_penguins() -> pd.DataFrame:
    return palmerpenguins.load_penguins()


@pytest.fixture(scope="session")
def clean_penguins(raw_penguins, penguins) -> pd.DataFrame:
    return read_back(clean_rows(raw_penguins, penguins, NOTHING_SEEN).clean, penguins)


@pytest.fixture(scope="session")
def make_task():
    """A task of a target `y` with the classes p and q, and whatever the test is about."""

    def made(columns: dict[str, Any], **changes: Any) -> Task:
        spec = {
            "name": "made",
            "source": {"csv": "made.csv"},
            "columns": {**columns, "y": changes.pop("y", SPECIES)},
            "target": "y",
            "metric": "accuracy",
            "candidates": {"decision_tree": {}},
        }
        return Task.model_validate(spec | changes)

    return made


@pytest.fixture(scope="session")
def clean():
    """Cleans a frame of which nothing was seen before."""

    def cleaned(raw: pd.DataFrame, task: Task):
        return clean_rows(raw, task, NOTHING_SEEN)

    return cleaned
