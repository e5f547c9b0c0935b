"""Task files on disk."""

from pathlib import Path

from rookery.core.task import Task
from rookery.core.taskfile import parse_task
from rookery.errors import InputError


def task_names(folder: Path) -> list[str]:
    """The tasks there are, by file name."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_task(folder: Path, name: str) -> tuple[Task, str]:
    """A task and the text of its file.

    Raises:
        InputError: there is no such file, it has mistakes, or it names another task.
    """
    path = folder / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise InputError(
            f"there is no task {name!r} in {folder}",
            field="TASK",
            value=name,
            allowed=", ".join(task_names(folder)) or "no task yet: write tasks/NAME.yaml",
            next="rookery tasks",
        ) from None
    task = parse_task(text, f"{folder.name}/{path.name}")
    if task.name != name:
        raise InputError(
            f"{folder.name}/{path.name} describes the task {task.name!r}; file and task have "
            "the same name",
            field="name",
            value=task.name,
            allowed=name,
        )
    return task, text
