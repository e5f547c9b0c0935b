"""Where a task stands: tables, last sweep, versions, ledger."""

from dataclasses import asdict
from typing import Any

from rookery.core.tags import BEST, FAMILY
from rookery.jobs.comparison_runs import last_comparison
from rookery.jobs.project import Project, open_project
from rookery.jobs.repair import repair
from rookery.stores.audit import USED
from rookery.stores.ledger import Entry, pending, untaken
from rookery.stores.registry import CHALLENGER_ALIAS


def status(task: str | None = None) -> dict[str, Any]:
    """Everything there is to say about a task, as plain values; an empty project is no error.

    Raises:
        Unavailable: a store failed.
    """
    project = open_project(task)
    repaired = repair(project)
    entries = project.ledger.entries(project.task.name)
    return {
        "task": project.task.name,
        "tables": _tables(project),
        "batches": [entry.as_dict() for entry in project.audit.entries()],
        "sweep": _sweep(project),
        "production": _production(project),
        "challenger": _challenger(project),
        "comparison": _comparison(project),
        "versions": _versions(project),
        "ledger": [entry.as_dict() for entry in entries],
        "pending": pending(entries) is not None,
        "repaired": repaired,
        "warnings": [*_alias_warnings(project), *_untaken(project, entries)],
        "next": _next(project),
    }


def _tables(project: Project) -> dict[str, Any]:
    """Row counts; what is neither clean nor rejected is an exact duplicate."""
    raw, clean, rejected = (
        project.tables.count(name) for name in (project.raw, project.clean, project.rejected)
    )
    duplicates = raw - clean - (rejected or 0) if raw is not None and clean is not None else None
    return {"raw": raw, "clean": clean, "rejected": rejected, "duplicates": duplicates}


def _sweep(project: Project) -> dict[str, Any] | None:
    found = project.tracking.last_sweep(project.experiment, project.task.name)
    if found is None:
        return None
    metric, metrics = project.task.metric, found.data.metrics
    return {
        "run_id": found.info.run_id,
        "best_run": found.data.tags.get(BEST),
        "family": found.data.tags.get(FAMILY),
        f"cv_{metric}": metrics.get(f"cv_{metric}"),
        f"holdout_{metric}": metrics.get(f"holdout_{metric}"),
        "link": project.tracking.link(project.experiment, found.info.run_id),
    }


def _production(project: Project) -> dict[str, Any] | None:
    version = project.tracking.production(project.task.name)
    return {"alias": project.settings.model_alias, "version": version} if version else None


def _challenger(project: Project) -> dict[str, Any] | None:
    version = project.tracking.aliases(project.task.name).get(CHALLENGER_ALIAS)
    return {"alias": CHALLENGER_ALIAS, "version": version} if version else None


def _comparison(project: Project) -> dict[str, Any] | None:
    found = last_comparison(project)
    return asdict(found) if found else None


def _untaken(project: Project, entries: list[Entry]) -> list[str]:
    """What a promotion would repeat, as long as there is an API to tell."""
    owed = untaken(entries) if project.settings.api_url else None
    return [f"{owed.reason}; `rookery promote` repeats it"] if owed else []


def _versions(project: Project) -> list[dict[str, Any]]:
    aliases = project.tracking.aliases(project.task.name)
    return [
        {
            "version": str(version.version),
            "run_id": version.run_id,
            "stage": version.current_stage,
            "aliases": [
                alias for alias, number in aliases.items() if number == str(version.version)
            ],
            "family": version.tags.get(FAMILY),
        }
        for version in project.tracking.versions(project.task.name)
    ]


def _alias_warnings(project: Project) -> list[str]:
    alias = project.settings.model_alias
    standing = project.tracking.standing(project.task.name)
    return [
        f"the alias {other!r} exists beside {alias!r}; only {alias!r} is served"
        for other in standing.aliases_in_another_case(alias)
    ]


def _next(project: Project) -> str:
    """The command that goes on from here."""
    name = project.task.name
    if project.tables.count(project.raw) is None:
        return f"rookery ingest {name}"
    if project.tables.count(project.clean) is None:
        return f"rookery clean {name}"
    if project.task.source.batches and any(
        entry.state != USED for entry in project.audit.entries()
    ):
        return f"rookery run {name}"
    if project.tracking.production(name) is not None:
        return "rookery serve"
    swept = project.tracking.last_sweep(project.experiment, project.task.name) is not None
    return f"rookery promote {name}" if swept else f"rookery sweep {name}"
