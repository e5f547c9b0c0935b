"""The hold-out rows that a model is judged on."""

import pandas as pd

from rookery.core.holdout import split
from rookery.errors import InputError
from rookery.jobs.project import Project
from rookery.jobs.rows import read_clean
from rookery.stores.origins import snapshot_rows


def clean_holdout(project: Project) -> pd.DataFrame:
    """That of the clean table.

    Raises:
        InputError: there is no such table. Unavailable: the database failed.
    """
    return split(read_clean(project), project.task)[1]


def holdout_of(project: Project, run_id: str | None) -> pd.DataFrame:
    """That of the clean table; where there is no table, as in CI, that of the run's own snapshot.

    Raises:
        InputError: there is neither. Unavailable: a store failed.
    """
    if project.tables.columns(project.clean) is not None:
        return clean_holdout(project)
    rows = snapshot_rows(project.tracking, run_id, project.task) if run_id else None
    if rows is None:
        raise InputError(
            f"there are no rows to judge run {run_id} on: no table {project.clean}, and the run "
            "keeps none",
            field="--run-id",
            value=run_id,
            allowed="a run with a snapshot, or a task that was cleaned",
            next=f"rookery clean {project.task.name}",
        )
    return split(rows, project.task)[1]
