"""The configuration of what was trained, with what it reached: files of the project and of runs."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rookery.core.configuration import Configuration, configuration_of
from rookery.core.equality import measured
from rookery.core.tags import COMMIT, DIGEST, DIRTY
from rookery.jobs.candidate_runs import Plan
from rookery.jobs.leaderboard import Row
from rookery.stores.configurations import FILE, write_configuration
from rookery.stores.folders import scratch
from rookery.stores.models import libraries
from rookery.stores.tracking import Tracking


@dataclass(frozen=True)
class Kept:
    """Where a configuration is; `path` is None where it is with the run only, and `note` why."""

    path: str | None
    note: str


def keep_configuration(plan: Plan, best: Row) -> Kept:
    """Logs the winner's configuration with its run, and writes it below `configs/`.

    A folder that cannot be written, as in a container, is no fault of the sweep.
    """
    found = configuration_of(plan.task, best.name, **reached(plan, best))
    if found is None:
        return Kept(None, f"{best.name} was given in Python, which a file cannot hold")
    log_configuration(plan.project.tracking, found)
    folder = plan.project.settings.configs_folder
    try:
        path, own = write_configuration(folder, found)
    except OSError as error:
        where = f"{folder} cannot be written ({error.strerror})"
        return Kept(None, f"{where}; {FILE} is with run {best.run_id}")
    return Kept(str(path), f"also in {own}, which no other task replaces")


def log_configuration(tracking: Tracking, configuration: Configuration) -> None:
    """Stores a configuration with the run that it names."""
    with scratch() as place:
        (place / FILE).write_text(configuration.text, encoding="utf-8")
        tracking.log_file(str(configuration.trained.run_id), place / FILE)


def reached(plan: Plan, row: Row) -> Mapping[str, Any]:
    """What a candidate's run reached, and with what, in the words of a configuration."""
    metrics = measured(row.metrics)
    return {
        "metrics": metrics,
        "cross_validated": any(name.startswith("cv_") for name in metrics),
        "digest": plan.tags[DIGEST],
        "rows": {"train": len(plan.train), "holdout": len(plan.holdout)},
        "libraries": libraries(),
        "python": platform.python_version(),
        "commit": plan.tags.get(COMMIT),
        "dirty": plan.tags.get(DIRTY) == "True",
        "run_id": row.run_id,
    }
