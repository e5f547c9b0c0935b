"""How the promoted version stands on today's hold-out."""

from dataclasses import dataclass

import pandas as pd

from rookery.core.gate import Verdict, judge
from rookery.core.shape import score_on
from rookery.errors import InputError, Refused
from rookery.jobs.project import Project
from rookery.stores.versions import load_version


@dataclass(frozen=True)
class Standing:
    """What a new version is compared with; `metrics` is None where nothing can be compared."""

    metrics: dict[str, float] | None
    note: str

    def judge(self, project: Project, metrics: dict[str, float]) -> Verdict:
        return judge(project.task, metrics, self.metrics, self.note)


def production_standing(project: Project, holdout: pd.DataFrame) -> Standing:
    """Hold-out metrics of what is promoted.

    A version that the trust rule refuses, that does not say what it takes, or that is not of this
    table sets no standard: a promotion must be able to replace it.
    """
    number = project.tracking.production(project.task.name)
    if number is None:
        return Standing(None, "first to be promoted")
    try:
        model = load_version(project.tracking, project.task.name, number)
        columns = [field.name for field in model.description.fields]
        return Standing(score_on(model.pipeline, holdout, project.task, columns), "")
    except (Refused, InputError) as error:
        return Standing(None, f"not compared with version {number}: {error.message}")
