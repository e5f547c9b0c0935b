"""The tasks there are."""

from typing import Any

from rookery.errors import RookeryError
from rookery.settings import get_settings
from rookery.stores.taskfiles import read_task, task_names


def tasks() -> list[dict[str, Any]]:
    """Every task file: what it is about, or what is wrong with it."""
    return [_described(name) for name in task_names(get_settings().tasks_folder)]


def _described(name: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "task": name,
        "title": None,
        "kind": None,
        "target": None,
        "candidates": None,
        "error": None,
    }
    try:
        task, _ = read_task(get_settings().tasks_folder, name)
    except RookeryError as error:
        return about | {"error": error.message}
    count = sum(len(spec.sets) for spec in task.candidates.values())
    return about | {
        "title": task.title,
        "kind": task.kind,
        "target": task.target,
        "candidates": count,
    }
