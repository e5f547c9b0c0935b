"""What the champion and the challenger were last found to do, beside their metrics."""

from dataclasses import asdict

from rookery.jobs.checking import last_checks
from rookery.jobs.project import Project
from rookery.jobs.report.section import Section, missing
from rookery.jobs.report.standing import Compared


def checks(project: Project, compared: Compared) -> Section:
    """The kept results of each version, a row a check."""
    found = []
    for one in (compared.champion, compared.challenger):
        run_id = one.as_dict()["run_id"] if one else None
        kept = last_checks(project.tracking, run_id) if run_id else None
        if one and kept:
            found.append({"version": one.version, "alias": one.alias} | asdict(kept))
    if not found:
        return missing("no version was checked", f"rookery verify {project.task.name}")
    return {"versions": found}
