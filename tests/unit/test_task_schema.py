"""The schema that editors use is the one of the code."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from rookery.core.taskfile import task_schema

TASKS = Path(__file__).parents[2] / "tasks"


def test_the_committed_schema_is_what_the_code_says() -> None:
    committed = json.loads((TASKS / "task.schema.json").read_text(encoding="utf-8"))
    assert committed == task_schema(), "run: python scripts/task_schema.py"


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_task_file_fits_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    jsonschema.validate(YAML(typ="safe").load(text), task_schema())
    assert text.startswith("# yaml-language-server: $schema=task.schema.json")
