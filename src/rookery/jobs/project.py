"""What every job starts from: one task and the places where its things are."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.core.task import Task
from rookery.settings import Settings, get_settings, project_root
from rookery.stores.audit import BatchAudit
from rookery.stores.ledger import Ledger
from rookery.stores.tables import Tables
from rookery.stores.taskfiles import read_task

if TYPE_CHECKING:  # MLflow takes two seconds to import; ingest and clean do not need it
    from rookery.stores.tracking import Tracking


@dataclass(frozen=True)
class Project:
    """A task with its stores, each opened when it is first asked for."""

    settings: Settings
    task: Task
    task_text: str

    @cached_property
    def tables(self) -> Tables:
        return Tables(self.settings.tables_url)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.tables_url)

    @cached_property
    def audit(self) -> BatchAudit:
        return BatchAudit(self.tables.engine, f"{self.task.name}_batches")

    @cached_property
    def tracking(self) -> "Tracking":
        from rookery.stores.tracking import Tracking

        return Tracking(self.settings)

    @cached_property
    def experiment(self) -> str:
        return self.tracking.experiment(self.task.name)

    @property
    def folder(self) -> Path:
        return project_root()

    @property
    def raw(self) -> str:
        return f"{self.task.name}_raw"

    @property
    def clean(self) -> str:
        return f"{self.task.name}_clean"

    @property
    def rejected(self) -> str:
        return f"{self.task.name}_rejected"


def open_project(task: str | None = None) -> Project:
    """The project of a task; `ROOKERY_TASK` when none is named.

    Raises:
        InputError: a setting or the task file is wrong.
    """
    settings = get_settings()
    found, text = read_task(settings.tasks_folder, task or settings.rookery_task)
    return Project(settings, found, text)
