"""Comparisons as runs of MLflow: written by a promotion, read by whoever wants to see the last."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from mlflow.entities import Run

from rookery.core.comparison import Comparison
from rookery.core.comparison_plots import comparison_figures
from rookery.core.tags import CHALLENGER, CHAMPION, KIND, PASSED, TASK, UNSEEN, VERDICT
from rookery.errors import Unavailable
from rookery.jobs.project import Project
from rookery.stores.folders import scratch

COLUMNS = ("champion", "challenger", "difference", "low", "high")
DIFFERENCE = "difference_"


@dataclass(frozen=True)
class Compared:
    """A comparison as its run keeps it.

    `metrics` has a dictionary a metric, the task's first: its name, the champion's value, the
    challenger's, their difference, and low and high of its interval. `unseen` says which rows it
    was made on, and how it is known that neither was trained on them.
    """

    run_id: str
    link: str
    champion: str
    challenger: str
    passed: bool
    verdict: str
    unseen: str
    metrics: list[dict[str, Any]] = field(default_factory=list)


def log_comparison(project: Project, found: Comparison, tags: Mapping[str, Any]) -> Compared:
    """Writes the run: metrics of both, differences, segments and pictures."""
    tracking = project.tracking
    shared = {KIND: "comparison", TASK: project.task.name}
    run_id = tracking.start_run(project.experiment, "comparison", shared)
    try:
        params = {"rows": found.rows, "metric": found.metric}
        tracking.log(run_id, metrics=_values(found), params=params, tags=tags)
        _log_files(project, run_id, found)
        tracking.end(run_id)
    except BaseException as error:
        with suppress(Unavailable):  # what stopped it is what is to be told
            tracking.end(run_id, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    return _compared(project, tracking.run(run_id))


def last_comparison(project: Project) -> Compared | None:
    """The last finished comparison of a task, as it stands in MLflow."""
    condition = (
        f"tags.`{KIND}` = 'comparison' and tags.`{TASK}` = '{project.task.name}' "
        "and attributes.status = 'FINISHED'"
    )
    runs = project.tracking.runs(project.experiment, condition, 1)
    return _compared(project, runs[0]) if runs else None


def _values(found: Comparison) -> dict[str, float]:
    values = {}
    for each in found.differences:
        row = (each.champion, each.challenger, each.change, each.low, each.high)
        for column, value in zip(COLUMNS, row, strict=True):
            if value is not None:
                values[f"{column}_{each.metric}"] = value
    return values


def _log_files(project: Project, run_id: str, found: Comparison) -> None:
    whole = asdict(found) | {"resampled": found.resampled.tolist()}
    with scratch() as place:
        path = place / "comparison.json"
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        project.tracking.log_file(run_id, path)
        for name, figure in comparison_figures(project.task, found).items():
            path = place / f"{name}.png"
            figure.savefig(path, dpi=100)
            project.tracking.log_file(run_id, path, "plots")


def _compared(project: Project, run: Run) -> Compared:
    tags, run_id = run.data.tags, str(run.info.run_id)
    return Compared(
        run_id,
        project.tracking.link(project.experiment, run_id),
        tags.get(CHAMPION, ""),
        tags.get(CHALLENGER, ""),
        tags.get(PASSED) == "True",
        tags.get(VERDICT, ""),
        tags.get(UNSEEN, ""),
        _rows(run.data.metrics, run.data.params.get("metric", "")),
    )


def _rows(values: Mapping[str, float], first: str) -> list[dict[str, Any]]:
    names = [key.removeprefix(DIFFERENCE) for key in values if key.startswith(DIFFERENCE)]
    return [
        {"metric": name} | {column: values.get(f"{column}_{name}") for column in COLUMNS}
        for name in sorted(names, key=lambda name: (name != first, name))
    ]
