"""The last finished sweep, as it stands in MLflow."""

from mlflow.entities import Run

from rookery.core.tags import BEST, DIGEST, ERROR, FAMILY, PARENT
from rookery.jobs.leaderboard import Row, Sweep, ranked
from rookery.jobs.project import Project


def read_last_sweep(project: Project) -> Sweep | None:
    """The last finished sweep; None where there is none yet.

    Raises:
        Unavailable: MLflow failed.
    """
    tracking, name = project.tracking, project.task.name
    parent = tracking.last_sweep(project.experiment, name)
    if parent is None:
        return None
    run_id = str(parent.info.run_id)
    children = tracking.runs(project.experiment, f"tags.`{PARENT}` = '{run_id}'")
    rows = sorted((_row(project, run) for run in children), key=lambda row: _numbered(row.name))
    registered = {
        str(version.run_id): str(version.version)
        for version in tracking.versions(name)
        if version.run_id
    }
    versions = {row.run_id: registered[row.run_id] for row in rows if row.run_id in registered}
    return Sweep(
        name,
        run_id,
        tracking.link(project.experiment, run_id),
        parent.data.tags[DIGEST],
        project.task.metric,
        ranked(project.task, rows),
        versions.get(parent.data.tags.get(BEST, "")),
        "as it stands in MLflow",
        versions,
    )


def _row(project: Project, run: Run) -> Row:
    metrics = {
        name: value
        for name, value in run.data.metrics.items()
        if name.startswith(("cv_", "holdout_"))
    }
    tags, run_id = run.data.tags, str(run.info.run_id)
    error = tags.get(ERROR) or (None if metrics else run.info.status)
    link = project.tracking.link(project.experiment, run_id)
    return Row(0, str(run.info.run_name), tags.get(FAMILY, ""), metrics, run_id, link, error)


def _numbered(name: str) -> tuple[str, int]:
    """`knn-10` after `knn-9`, as the task file has them."""
    family, _, number = name.rpartition("-")
    return family, int(number) if number.isdigit() else 0
