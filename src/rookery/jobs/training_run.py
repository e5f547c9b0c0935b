"""The run of a candidate that is trained from a configuration: a sweep's, with one candidate."""

from contextlib import suppress
from pathlib import Path

import pandas as pd
from mlflow.tracking.context.registry import resolve_tags

from rookery.core.candidates import expand
from rookery.core.configuration import Configuration, with_results
from rookery.core.tags import DIGEST, FAMILY, KIND, TASK
from rookery.errors import Unavailable
from rookery.jobs.candidate_runs import Plan, log_candidate
from rookery.jobs.fitting import Packed
from rookery.jobs.leaderboard import Row
from rookery.jobs.prepare import Prepared
from rookery.jobs.project import Project
from rookery.jobs.winner import log_configuration, reached
from rookery.stores.commits import commit_of
from rookery.stores.snapshots import dataset_input, keep_snapshot


def log_training(
    project: Project,
    prepared: Prepared,
    sides: tuple[pd.DataFrame, pd.DataFrame],
    packed: Packed,
    template: Path,
    configuration: Configuration,
) -> Row:
    """Writes a parent run with the snapshot of the rows, and below it the candidate's.

    Raises:
        Unavailable: a store failed; the parent run is ended as failed.
    """
    tracking, experiment, task = project.tracking, project.experiment, project.task
    shared = {str(k): str(v) for k, v in (resolve_tags() | commit_of(project.folder)).items()}
    shared |= {DIGEST: prepared.digest, TASK: task.name}
    name, candidate = expand(task)[0]
    parent = tracking.start_run(
        experiment, "train", shared | {KIND: "training", FAMILY: candidate.family}
    )
    try:
        uri = keep_snapshot(tracking, experiment, parent, prepared.rows, prepared.digest)
        dataset = dataset_input(task, prepared.rows, prepared.digest, uri)
        plan = Plan(project, task, *sides, parent, shared, dataset, template)
        row = log_candidate(plan, name, candidate, packed)
        log_configuration(tracking, with_results(configuration, reached(plan, row)))
        tracking.log(parent, dataset=dataset, metrics=packed.metrics)
    except BaseException:
        with suppress(Unavailable):  # then the next sweep ends the run
            tracking.end(parent, "FAILED")
        raise
    tracking.end(parent)
    return row
