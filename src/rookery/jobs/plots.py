"""Pictures of a run's model on the hold-out, logged to the run: the winner's, or any on demand."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rookery.core.holdout import split
from rookery.core.onehot import target_codes
from rookery.core.plots import figures
from rookery.core.shape import inputs_for
from rookery.core.task import Task
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean
from rookery.stores.folders import load_trusted, read_folder, scratch


def plots(run_id: str, task: str | None = None) -> dict[str, Figure]:
    """Draws and logs the pictures of any run of the task, by name.

    Raises:
        InputError: there is no such run, or it logged no model.
    """
    project = open_project(task)
    rows = read_clean(project)
    _, holdout = split(rows, project.task)
    return log_plots(project, run_id, holdout)


def log_plots(project: Project, run_id: str, holdout: pd.DataFrame) -> dict[str, Figure]:
    """Draws a run's pictures from its logged model and stores them below `plots/`."""
    tracking = project.tracking
    with scratch() as place:
        model_uri = f"models:/{tracking.model_of_run(run_id)}"
        folder = read_folder(tracking.download(model_uri, place))
        pipeline = load_trusted(folder)
        X = inputs_for(holdout, project.task, [name for name, _, _ in folder.inputs])
        drawn = figures(pipeline, X, truth_for(pipeline, holdout, project.task), project.task)
        for name, figure in drawn.items():
            path = place / f"{name}.png"
            figure.savefig(path, dpi=100)
            tracking.log_file(run_id, path, "plots")
    return drawn


def truth_for(model: Any, holdout: pd.DataFrame, task: Task) -> pd.Series:
    """The target as the model predicts it: labels, or the numbers of the one-hot form."""
    classes, codes = set(getattr(model, "classes_", ())), target_codes(task)
    numbered = classes and not classes <= set(task.labels) and classes <= set(codes.values())
    return holdout[task.target].map(codes) if numbered else holdout[task.target]
