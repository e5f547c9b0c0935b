"""Configurations of models as files of the project: the last sweep's, and the last of each task."""

from pathlib import Path

from rookery.core.configuration import Configuration, parse_configuration, parse_given
from rookery.core.task import Task
from rookery.errors import InputError

FILE = "model_config.yaml"


def read_configuration(path: Path) -> Configuration:
    """The configuration in a file.

    Raises:
        InputError: there is no such file, or it has mistakes.
    """
    return parse_configuration(_text(path), str(path))


def read_given(path: Path) -> Configuration | Task:
    """The configuration in a file, or the task of a task file.

    Raises:
        InputError: there is no such file, or it has mistakes.
    """
    return parse_given(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}",
            field="--config",
            value=str(path),
            allowed=f"a file as a sweep writes it, configs/{FILE} or configs/TASK/{FILE}; or a "
            "task file",
            next="rookery sweep",
        ) from None


def write_configuration(folder: Path, configuration: Configuration) -> list[Path]:
    """Writes `model_config.yaml`, which the next sweep of any task replaces, and the task's own.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = [folder / FILE, folder / configuration.task.name / FILE]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(configuration.text, encoding="utf-8")
        part.replace(path)
    return paths
