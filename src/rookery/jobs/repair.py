"""Brings the ledger back in step: attempts that died, and promotions made elsewhere."""

from rookery.jobs.project import Project
from rookery.stores.ledger import last_served, pending


def repair(project: Project) -> list[str]:
    """Ends an abandoned attempt and records a promotion made in MLflow's page; says what it did."""
    name = project.task.name
    entries = project.ledger.entries(name)
    done = []
    open_attempt = pending(entries)
    if open_attempt is not None:
        if not project.ledger.abandoned(open_attempt):
            return []
        done.append(settle(project, open_attempt.id, "interrupted before the alias moved"))
        entries = project.ledger.entries(name)
    current = project.tracking.production(name)
    if current is not None and current != last_served(entries):
        done += _record_external(project)
    return done


def _record_external(project: Project) -> list[str]:
    """Looks again while no promotion can be under way: one may have moved the alias just now."""
    name, ledger = project.task.name, project.ledger
    reason = f"found at the alias {project.settings.model_alias!r}"
    entry = ledger.begin(name, None, reason)
    if entry is None:
        return []
    known, current = last_served(ledger.entries(name)), project.tracking.production(name)
    if current is None or current == known:
        ledger.remove(entry)
        return []
    project.tracking.end_challenge(name, current)
    ledger.close(entry, "external", reason, **{"from": known, "to": current})
    return [f"version {current} was promoted elsewhere; recorded as external"]


def settle(project: Project, entry_id: int, reason: str) -> str:
    """Ends a pending attempt: done where the alias has moved to its aim, else failed."""
    name = project.task.name
    with project.ledger.releasing(entry_id):
        entry = next(e for e in project.ledger.entries(name) if e.id == entry_id)
        current = project.tracking.production(name)
        if entry.to_version is not None and entry.to_version == current != entry.from_version:
            project.tracking.follow_alias(name, str(current))
            project.ledger.close(entry_id, "done", entry.reason)
            return f"the interrupted promotion to version {current} was finished"
        project.ledger.close(entry_id, "failed", reason)
        return "an interrupted promotion was given up; the alias had not moved"
