"""The configuration of a sweep's winner, as files of the project and with its run."""

import platform
from dataclasses import dataclass

from rookery.core.configuration import Configuration, configuration_of
from rookery.core.equality import measured
from rookery.core.tags import COMMIT, DIGEST, DIRTY
from rookery.jobs.candidate_runs import Plan
from rookery.jobs.leaderboard import Row
from rookery.stores.configurations import FILE, write_configuration
from rookery.stores.folders import scratch
from rookery.stores.models import libraries


@dataclass(frozen=True)
class Kept:
    """Where a configuration is; `path` is None where it is with the run only, and `note` why."""

    path: str | None
    note: str


def keep_configuration(plan: Plan, best: Row) -> Kept:
    """Logs the winner's configuration with its run, and writes it below `configs/`.

    A folder that cannot be written, as in a container, is no fault of the sweep.
    """
    found = _configuration(plan, best)
    if found is None:
        return Kept(None, f"{best.name} was given in Python, which a file cannot hold")
    with scratch() as place:
        (place / FILE).write_text(found.text, encoding="utf-8")
        plan.project.tracking.log_file(best.run_id, place / FILE)
    folder = plan.project.settings.configs_folder
    try:
        path, own = write_configuration(folder, found)
    except OSError as error:
        where = f"{folder} cannot be written ({error.strerror})"
        return Kept(None, f"{where}; {FILE} is with run {best.run_id}")
    return Kept(str(path), f"also in {own}, which no other task replaces")


def _configuration(plan: Plan, best: Row) -> Configuration | None:
    metrics = measured(best.metrics)
    return configuration_of(
        plan.task,
        best.name,
        metrics=metrics,
        cross_validated=any(name.startswith("cv_") for name in metrics),
        digest=plan.tags[DIGEST],
        rows={"train": len(plan.train), "holdout": len(plan.holdout)},
        libraries=libraries(),
        python=platform.python_version(),
        commit=plan.tags.get(COMMIT),
        dirty=plan.tags.get(DIRTY) == "True",
        run_id=best.run_id,
    )
