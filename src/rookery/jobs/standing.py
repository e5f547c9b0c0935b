"""How the promoted version stands on today's hold-out."""

import pandas as pd

from rookery.core.shape import score_on
from rookery.errors import InputError, Refused
from rookery.jobs.project import Project


def production_metrics(project: Project, holdout: pd.DataFrame) -> dict[str, float] | None:
    """Hold-out metrics of what is promoted, None while nothing is, or nothing that can be asked.

    A version that the trust rule refuses, that does not say what it takes, or that is not of this
    table sets no standard: a promotion must be able to replace it.
    """
    from rookery.stores.versions import load_version

    number = project.tracking.production(project.task.name)
    if number is None:
        return None
    try:
        model = load_version(project.tracking, project.task.name, number)
        columns = [field.name for field in model.fields]
        return score_on(model.pipeline, holdout, project.task, columns)
    except (Refused, InputError):
        return None
