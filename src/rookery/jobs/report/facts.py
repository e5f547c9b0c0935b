"""What the page says, as plain values; what has nothing to say yet names the next command."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rookery import __version__
from rookery.core.holdout import split
from rookery.jobs.last_sweep import read_last_sweep
from rookery.jobs.project import Project
from rookery.jobs.report.checks import checks
from rookery.jobs.report.live import agreement, drift, live
from rookery.jobs.report.section import Section, missing
from rookery.jobs.report.standing import Compared, compare, pictures_of
from rookery.jobs.rows import read_clean
from rookery.jobs.status import status

MOST_REASONS = 20
MOST_CANDIDATES = 25


def gather(project: Project, days: int) -> tuple[dict[str, Any], dict[str, Figure]]:
    """Everything on the page, and the champion's pictures by name.

    Raises:
        Unavailable: a store failed.
    """
    task, stands = project.task, status(project.task.name)
    rows = _clean_rows(project)
    holdout = split(rows, task)[1] if rows is not None else None
    compared = compare(project, holdout)
    sections = {
        "data": _data(project, stands),
        "rejects": _rejects(project, stands),
        "leaderboard": _leaderboard(project, stands),
        "versions": _versions(compared, stands, agreement(project, compared, days)),
        "checks": checks(project, compared),
        "drift": drift(project, compared, rows, days),
        "live": live(project, compared, days),
        "ledger": _ledger(stands),
    }
    facts = {
        "task": task.name,
        "title": task.title,
        "description": task.description,
        "target": task.target,
        "kind": task.kind,
        "metric": task.metric,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rookery": __version__,
        "next": stands["next"],
        "warnings": [*stands["repaired"], *stands["warnings"]],
        "sections": sections,
    }
    return facts, pictures_of(project, compared, holdout)


def _clean_rows(project: Project) -> pd.DataFrame | None:
    return None if project.tables.count(project.clean) is None else read_clean(project)


def _data(project: Project, stands: dict[str, Any]) -> Section:
    counts = stands["tables"]
    if counts["raw"] is None:
        return missing("no rows are loaded yet", stands["next"])
    return {"counts": counts, "batches": len(project.tables.batches(project.raw))}


def _rejects(project: Project, stands: dict[str, Any]) -> Section:
    if stands["tables"]["clean"] is None:
        return missing("no rows are cleaned yet", stands["next"])
    reasons: Counter[str] = Counter()
    for text, count in project.tables.tallies(project.rejected, "reasons").items():
        for reason in text.split("; "):
            reasons[reason] += count
    return {"reasons": reasons.most_common(MOST_REASONS), "kinds": len(reasons)}


def _leaderboard(project: Project, stands: dict[str, Any]) -> Section:
    found = read_last_sweep(project)
    if found is None:
        return missing("no candidates were compared yet", stands["next"])
    metric = found.metric
    names = [f"cv_{metric}", f"cv_{metric}_std", f"holdout_{metric}"]
    rows = [
        {
            "rank": row.rank,
            "name": row.name,
            "version": found.versions.get(row.run_id),
            "values": [row.metrics.get(name) for name in names],
            "run_id": row.run_id,
            "error": row.error,
        }
        for row in found.rows[:MOST_CANDIDATES]
    ]
    return {
        "rows": rows,
        "candidates": len(found.rows),
        "failed": sum(row.failed for row in found.rows),
        "digest": found.digest,
        "run_id": found.run_id,
        "columns": names,
    }


def _versions(compared: Compared, stands: dict[str, Any], agreed: Section | None) -> Section:
    if compared.champion is None:
        return missing("no version is promoted yet", stands["next"])
    shown = [each.as_dict() for each in (compared.champion, compared.challenger) if each]
    names = list(dict.fromkeys(name for each in shown for name in each["metrics"] or ()))
    standing = {"versions": shown, "metrics": names, "holdout": compared.holdout}
    return standing | {"agreement": agreed}


def _ledger(stands: dict[str, Any]) -> Section:
    if not stands["ledger"]:
        return missing("nothing was promoted or refused yet", stands["next"])
    return {"entries": stands["ledger"][::-1]}
