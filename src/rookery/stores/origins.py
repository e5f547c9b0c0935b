"""Where a version came from: what its training began with, and what it reached."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd
from mlflow.entities import Run
from mlflow.models import Model

from rookery.core.cleaning import read_back
from rookery.core.equality import measured
from rookery.core.holdout import digest, in_order
from rookery.core.tags import COMMIT, DIGEST, DIRTY, FAMILY
from rookery.core.task import Task
from rookery.errors import InputError, Refused, Unavailable
from rookery.stores.connection import is_unknown
from rookery.stores.folders import load_trusted, read_folder, require_inputs, scratch
from rookery.stores.snapshots import read_snapshot
from rookery.stores.tracking import Tracking


@dataclass(frozen=True)
class Origin:
    """A version and its training; what nobody wrote down is None or empty."""

    name: str
    version: str
    run_id: str | None
    family: str | None
    parameters: dict[str, str]
    metrics: dict[str, float]  # cross-validated and of the hold-out
    fitted_rows: int | None  # fewer than there were to train on where the family has a limit
    digest: str | None
    snapshot: str | None
    commit: str | None
    dirty: bool
    libraries: dict[str, str]
    python: str | None
    task: Task | None
    inputs: list[str]
    pipeline: Any

    def rows(self, tracking: Tracking) -> pd.DataFrame:
        """The clean rows of its snapshot, in the order in which they are learnt.

        Raises:
            InputError: it has no snapshot, or the snapshot is gone. Refused: that holds other rows.
        """
        if self.snapshot is None or self.digest is None or self.task is None:
            raise self._without(
                f"version {self.version} of {self.name} keeps no rows: no sweep and no "
                "`rookery train` made it"
            )
        rows = _read(tracking, self.snapshot, self.task)
        if rows is None:
            raise self._without(
                f"the snapshot of version {self.version} of {self.name} is gone: {self.snapshot}"
            )
        if digest(rows) != self.digest:
            raise Refused(
                f"the snapshot of version {self.version} of {self.name} holds other rows than it "
                "was trained on",
                field="digest",
                value=digest(rows),
                allowed=self.digest,
            )
        return rows

    def _without(self, message: str) -> InputError:
        return InputError(
            message,
            field="version",
            value=self.version,
            allowed="a version whose snapshot is there",
            next=f"rookery status {self.name}",
        )


def read_origin(tracking: Tracking, name: str, number: str) -> Origin:
    """The origin of a registered version.

    Raises:
        InputError: there is no such version. Refused: its model may not be loaded.
    """
    version = tracking.version(name, number)
    run = tracking.run(version.run_id) if version.run_id else None
    with scratch() as place:
        folder = read_folder(tracking.download(tracking.model_uri(version), place))
        pipeline = load_trusted(folder)
        inputs = [column for column, _, _ in require_inputs(folder, pipeline)]
        flavors = Model.load(str(folder.path)).flavors
    tags = (dict(run.data.tags) if run else {}) | dict(version.tags)
    fitted = tags.get("rookery.rows", "")
    return Origin(
        name=name,
        version=str(version.version),
        run_id=version.run_id or None,
        family=tags.get(FAMILY),
        parameters=dict(run.data.params) if run else {},
        metrics=measured(run.data.metrics) if run else {},
        fitted_rows=int(fitted) if fitted.isdecimal() else None,
        digest=tags.get(DIGEST),
        snapshot=_snapshot(run) if run else None,
        commit=tags.get(COMMIT),
        dirty=tags.get(DIRTY) == "True",
        libraries=folder.libraries,
        python=flavors.get("python_function", {}).get("python_version"),
        task=folder.task,
        inputs=inputs,
        pipeline=pipeline,
    )


def snapshot_rows(tracking: Tracking, run_id: str, task: Task) -> pd.DataFrame | None:
    """The clean rows that a run was trained on; None where it keeps none, or they are gone.

    Raises:
        InputError: there is no such run. Unavailable: MLflow failed.
    """
    uri = _snapshot(tracking.run(run_id))
    return None if uri is None else _read(tracking, uri, task)


def _read(tracking: Tracking, uri: str, task: Task) -> pd.DataFrame | None:
    try:
        with scratch() as place:
            found = read_snapshot(tracking, uri, place)
    except (Refused, Unavailable) as error:
        if not _is_gone(error):
            raise
        return None
    if not set(task.columns) <= set(found.columns):
        return None  # of another task
    return in_order(read_back(found, task))


def _snapshot(run: Run) -> str | None:
    """Where the data set of a run lies, if Rookery kept it."""
    for each in run.inputs.dataset_inputs if run.inputs else []:
        try:
            source = json.loads(each.dataset.source)
        except ValueError:  # whatever others log
            continue
        if isinstance(source, dict) and str(source.get("uri", "")).startswith("runs:/"):
            return str(source["uri"])
    return None


def _is_gone(error: Refused | Unavailable) -> bool:
    """No file, or no run of that id: not a store that is away, nor an address not to be read."""
    return is_unknown(error) if isinstance(error, Unavailable) else error.field == "artifacts"
