"""What carries an alias, and where it came from."""

from dataclasses import dataclass
from typing import Any

from rookery.core.equality import measured
from rookery.errors import NotPromoted
from rookery.jobs.project import Project, open_project
from rookery.stores.versions import lineage_of


@dataclass(frozen=True)
class Carried:
    """A version with its alias; `uri` is what MLflow's clients load, `source` where it lies."""

    task: str
    alias: str
    version: str
    uri: str
    source: str
    run_id: str | None
    link: str | None
    family: str | None
    digest: str | None
    commit: str | None
    metrics: dict[str, float]
    aliases: dict[str, str]


def query(task: str | None = None, *, alias: str | None = None) -> Carried:
    """The version that carries an alias, `MODEL_ALIAS` if none is named.

    Raises:
        NotPromoted: none does. Unavailable: MLflow failed.
    """
    project = open_project(task)
    tracking, name = project.tracking, project.task.name
    wanted = alias or project.settings.model_alias
    number, aliases = carrier(project, alias), tracking.aliases(name)
    lineage, link = lineage_of(tracking, name, number)
    return Carried(
        task=name,
        alias=wanted,
        version=number,
        uri=f"models:/{name}@{wanted}" if wanted in aliases else f"models:/{name}/{number}",
        source=tracking.model_uri(tracking.version(name, number)),
        run_id=lineage.run_id,
        link=link,
        family=lineage.family,
        digest=lineage.digest,
        commit=lineage.commit,
        metrics=measured(lineage.metrics),
        aliases=aliases,
    )


def carrier(project: Project, alias: str | None = None) -> str:
    """The number of the version that carries an alias; without one, of what is to be served.

    Raises:
        NotPromoted: none does. Unavailable: MLflow failed.
    """
    tracking, name = project.tracking, project.task.name
    aliases = tracking.aliases(name)
    number = tracking.production(name) if alias is None else aliases.get(alias)
    if number is None:
        raise _nobody(name, alias or project.settings.model_alias, aliases)
    return number


def _nobody(name: str, alias: str, aliases: dict[str, Any]) -> NotPromoted:
    error = NotPromoted.of(name, alias)
    if aliases:
        error.allowed = f"one of {', '.join(sorted(aliases))}"
    return error
