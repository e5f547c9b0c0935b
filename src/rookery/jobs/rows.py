"""The clean rows of a task, as every job after cleaning takes them."""

import pandas as pd

from rookery.core.cleaning import read_back
from rookery.jobs.project import Project


def read_clean(project: Project) -> pd.DataFrame:
    """The clean table in the task's types, in the order of the table.

    Raises:
        InputError: there is no clean table yet. Unavailable: the database failed.
    """
    return read_back(project.tables.read(project.clean), project.task)
