"""Brings the ledger back in step: attempts that died, and promotions made elsewhere."""

from datetime import UTC, datetime, timedelta

from rookery.jobs.project import Project
from rookery.stores.ledger import Entry, is_gone, last_served, pending

# an attempt of another host, whose process cannot be looked up, is given up after this time
STALE = timedelta(minutes=10)


def repair(project: Project) -> list[str]:
    """Ends an abandoned attempt and records a promotion made in MLflow's page; says what it did."""
    name = project.task.name
    entries = project.ledger.entries(name)
    done = []
    open_attempt = pending(entries)
    if open_attempt is not None:
        if not _abandoned(open_attempt):
            return []
        done.append(settle(project, open_attempt.id, "interrupted before the alias moved"))
        entries = project.ledger.entries(name)
    current = project.tracking.production(name)
    known = last_served(entries)
    if current is not None and current != known:
        project.ledger.record(name, known, current, "external",
                              f"found at the alias {project.settings.model_alias!r}")
        done.append(f"version {current} was promoted elsewhere; recorded as external")
    return done


def _abandoned(entry: Entry) -> bool:
    began = datetime.fromisoformat(entry.at)
    return is_gone(entry.owner) or datetime.now(UTC) - began > STALE


def settle(project: Project, entry_id: int, reason: str) -> str:
    """Ends a pending attempt: done where the alias has moved to its aim, else failed."""
    name = project.task.name
    entry = next(e for e in project.ledger.entries(name) if e.id == entry_id)
    current = project.tracking.production(name)
    moved = entry.to_version is not None and entry.to_version == current != entry.from_version
    if moved:
        project.tracking.set_stage(name, str(current))
        project.ledger.close(entry_id, "done", entry.reason)
        return f"the interrupted promotion to version {current} was finished"
    project.ledger.close(entry_id, "failed", reason)
    return "an interrupted promotion was given up; the alias had not moved"
