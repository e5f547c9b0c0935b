"""Snapshots: the clean rows of a sweep, kept once per digest beside the runs that used them."""

import json
from pathlib import Path

import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.types import ColSpec, Schema, TensorSpec

from rookery.core.tags import DIGEST, SNAPSHOT
from rookery.core.task import Task
from rookery.stores.folders import scratch
from rookery.stores.models import TO_MLFLOW
from rookery.stores.tracking import Tracking


def keep_snapshot(
    tracking: Tracking, experiment: str, run_id: str, rows: pd.DataFrame, digest: str
) -> str:
    """Stores the rows under the run, unless a run of the experiment has them; returns the address.

    The address is also a tag of the run, by which a later sweep finds it.
    """
    known = tracking.runs(
        experiment, f"tags.`{DIGEST}` = '{digest}' and tags.`{SNAPSHOT}` != ''", 1
    )
    if known:
        uri = str(known[0].data.tags[SNAPSHOT])
    else:
        with scratch() as folder:
            path = folder / f"{digest}.parquet"
            rows.to_parquet(path, index=False)
            tracking.log_file(run_id, path, "snapshot")
        uri = f"runs:/{run_id}/snapshot/{digest}.parquet"
    tracking.log(run_id, tags={DIGEST: digest, SNAPSHOT: uri})
    return uri


def read_snapshot(tracking: Tracking, uri: str, to: Path) -> pd.DataFrame:
    """The rows of a snapshot."""
    return pd.read_parquet(tracking.download(uri, to))


def dataset_input(task: Task, rows: pd.DataFrame, digest: str, uri: str) -> DatasetInput:
    """The rows as MLflow's data set: name, digest, where they are, schema."""
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(TO_MLFLOW[column.type], name) for name, column in task.columns.items()
    ]
    dataset = Dataset(
        name=f"{task.name}_clean",
        digest=digest,
        source_type="artifact",
        source=json.dumps({"uri": uri}),
        schema=json.dumps({"mlflow_colspec": Schema(columns).to_dict()}),
        profile=json.dumps({"num_rows": len(rows), "num_elements": int(rows.size)}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
