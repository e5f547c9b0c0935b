"""One page that says how a task stands, from its rows to its live answers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rookery.core.tags import KIND, TASK
from rookery.errors import InputError
from rookery.jobs.project import Project, open_project
from rookery.jobs.report.facts import gather
from rookery.jobs.report.page import render
from rookery.stores.folders import scratch
from rookery.stores.objects import put_page

DAYS = 30


@dataclass(frozen=True)
class Report:
    """Where the page is; `missing` names the sections that have nothing to show yet."""

    task: str
    file: str
    run_id: str
    link: str
    object: str | None
    missing: list[str]
    next: str
    facts: dict[str, Any]


def report(task: str | None = None, *, out: str | Path | None = None, days: int = DAYS) -> Report:
    """Writes the page, logs it to MLflow and puts it into the object store where one is set.

    Without `out` it goes to `reports/<task>.html` below ROOKERY_HOME. Live answers are those of
    the last `days`.

    Raises:
        InputError: `out` cannot be written. Unavailable: a store failed.
    """
    project = open_project(task)
    name = project.task.name
    path = _place(project, out)
    facts, pictures = gather(project, days)
    text = render(facts, pictures)
    _write(path, text)
    run_id = _log(project, text)
    return Report(
        task=name,
        file=str(path),
        run_id=run_id,
        link=project.tracking.link(project.experiment, run_id),
        object=put_page(project.settings, path, f"reports/{name}.html"),
        missing=[section for section, found in facts["sections"].items() if "missing" in found],
        next=facts["next"],
        facts=facts,
    )


def _place(project: Project, out: str | Path | None) -> Path:
    if out is None:
        place = project.settings.home / "reports" / f"{project.task.name}.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
    place = Path(out).expanduser().absolute()
    if place.is_dir() or not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        raise InputError(
            f"--out {out} cannot be written",
            field="--out",
            value=str(out),
            allowed="a file in a folder that exists and can be written",
        )
    return place


def _write(path: Path, text: str) -> None:
    """The old page stays whole until the new one is."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _log(project: Project, text: str) -> str:
    tracking, name = project.tracking, project.task.name
    run_id = tracking.start_run(project.experiment, "report", {KIND: "report", TASK: name})
    try:
        with scratch() as place:
            page = place / f"{name}.html"
            page.write_text(text, encoding="utf-8")
            tracking.log_file(run_id, page)
    except BaseException:
        tracking.end(run_id, "FAILED")
        raise
    tracking.end(run_id)
    return run_id
