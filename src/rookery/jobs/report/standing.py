"""The version that serves and the one that challenges it, on the same hold-out rows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rookery.core.plots import figures
from rookery.core.shape import inputs_for, score_on
from rookery.errors import InputError, Refused
from rookery.jobs.plots import truth_for
from rookery.jobs.project import Project
from rookery.stores.registry import CHALLENGER_ALIAS
from rookery.stores.versions import LoadedVersion, load_version


@dataclass(frozen=True)
class Standing:
    """A version; `model` and `metrics` are None where `note` says why."""

    version: str
    alias: str
    model: LoadedVersion | None
    metrics: dict[str, float] | None
    note: str

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.model.description.fields] if self.model else []

    def as_dict(self) -> dict[str, Any]:
        lineage = self.model.description.lineage if self.model else None
        return {
            "version": self.version,
            "alias": self.alias,
            "family": lineage.family if lineage else None,
            "run_id": lineage.run_id if lineage else None,
            "digest": lineage.digest if lineage else None,
            "metrics": self.metrics,
            "note": self.note,
        }


@dataclass(frozen=True)
class Compared:
    """Both versions, as far as there are any, and how many rows they were scored on."""

    champion: Standing | None
    challenger: Standing | None
    holdout: int | None


def compare(project: Project, holdout: pd.DataFrame | None) -> Compared:
    """Scores what serves and what carries the challenger's alias (`SHADOW`, or `challenger`)."""
    tracking, name, settings = project.tracking, project.task.name, project.settings
    serving, alias = tracking.production(name), settings.shadow or CHALLENGER_ALIAS
    challenging = tracking.aliases(name).get(alias)
    if challenging == serving:
        challenging = None
    champion = _standing(project, serving, settings.model_alias, holdout) if serving else None
    challenger = _standing(project, challenging, alias, holdout) if challenging else None
    return Compared(champion, challenger, None if holdout is None else len(holdout))


def _standing(project: Project, number: str, alias: str, holdout: pd.DataFrame | None) -> Standing:
    """One version; that it may not be loaded, or is not of this table, is told and no failure."""
    model = None
    try:
        model = load_version(project.tracking, project.task.name, number)
        if holdout is None:
            return Standing(number, alias, model, None, "there are no clean rows to score it on")
        columns = [field.name for field in model.description.fields]
        metrics = score_on(model.pipeline, holdout, project.task, columns)
        return Standing(number, alias, model, metrics, "")
    except (Refused, InputError) as error:
        return Standing(number, alias, model, None, error.message)


def pictures_of(
    project: Project, compared: Compared, holdout: pd.DataFrame | None
) -> dict[str, Figure]:
    """The champion's pictures on the hold-out, by name; none where it could not be scored."""
    champion = compared.champion
    if champion is None or champion.model is None or champion.metrics is None or holdout is None:
        return {}
    pipeline = champion.model.pipeline
    X = inputs_for(holdout, project.task, champion.columns)
    return figures(pipeline, X, truth_for(pipeline, holdout, project.task), project.task)
