"""The promoted version, as what a new one is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rookery.core.gate import Verdict, judge
from rookery.core.task import Task
from rookery.errors import InputError, Refused
from rookery.jobs.project import Project
from rookery.stores.versions import load_version


@dataclass(frozen=True)
class Champion:
    """A promoted version, loaded; `task` is None of a model that was registered by hand."""

    version: str
    model: Any
    columns: list[str]
    task: Task | None


def admitted(project: Project, metrics: dict[str, float], further: Sequence[str] = ()) -> Verdict:
    """Whether a model may be registered: promotion asks for more, beside what is promoted then.

    `further` are the faults that checks found.
    """
    current = project.tracking.production(project.task.name)
    role = f"challenger of version {current}" if current else "first to be promoted"
    return judge(project.task, metrics, None, role, further)


def champion_of(project: Project) -> Champion | str:
    """What is promoted, or why it sets no standard.

    A version that the trust rule refuses or that does not say what it takes sets none: a
    promotion must be able to replace it.
    """
    number = project.tracking.production(project.task.name)
    if number is None:
        return "first to be promoted"
    try:
        loaded = load_version(project.tracking, project.task.name, number)
    except (Refused, InputError) as error:
        return f"not compared with version {number}: {error.message}"
    columns = [field.name for field in loaded.description.fields]
    return Champion(number, loaded.pipeline, columns, loaded.task)
