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
            allowed=", ".join(task_names(folder)) or "no task yet: rookery new NAME",
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


def write_task(folder: Path, name: str, text: str, *, force: bool) -> Path:
    """Writes a task file, whole or not at all.

    Raises:
        InputError: there is one of that name, and `force` is not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    try:
        with (folder / f"{name}.yaml.new" if force else path).open(
            "w" if force else "x", encoding="utf-8"
        ) as file:
            file.write(text)
        return Path(file.name).replace(path)
    except FileExistsError:
        raise task_exists(path) from None


def task_exists(path: Path) -> InputError:
    return InputError(
        f"there is a task file {path} already",
        field="NAME",
        value=path.stem,
        allowed="the name of a task that is not there, or --force to write it anew",
    )
