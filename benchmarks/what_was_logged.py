"""What the newest run of each candidate holds, read back through MLflow, as a line of JSON."""

import argparse
from pathlib import Path
from typing import Any

import mlflow
from measuring import tell, timed
from mlflow import MlflowClient
from mlflow.entities import Run

COMMIT = "mlflow.source.git.commit"


def newest_by_name(client: MlflowClient, experiment: str) -> dict[str, Run]:
    found = client.get_experiment_by_name(experiment)
    assert found, f"there is no experiment {experiment}"
    runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time DESC"])
    named: dict[str, Run] = {}
    for run in runs:
        if "family" in run.data.tags and run.info.run_name != "sweep":
            named.setdefault(run.info.run_name, run)
    return named


def contents(run: Run) -> dict[str, Any]:
    assert run.outputs, f"{run.info.run_name} has no model"
    assert run.inputs, f"{run.info.run_name} has no data set"
    uri = f"models:/{run.outputs.model_outputs[-1].model_id}"
    model = mlflow.models.get_model_info(uri)
    requirements = Path(mlflow.pyfunc.get_model_dependencies(uri)).read_text(encoding="utf-8")
    return {
        "params": run.data.params,
        "holdout": {k: v for k, v in run.data.metrics.items() if k.startswith("holdout_")},
        "folds": {k: v for k, v in run.data.metrics.items() if k.startswith("cv_")},
        "family": run.data.tags["family"],
        "commit": COMMIT in run.data.tags,
        "dataset": len(run.inputs.dataset_inputs) == 1,
        "signature": model.signature is not None,
        "example": model.saved_input_example_info is not None,
        "requirements": bool(requirements.strip()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--experiment", required=True)
    given = parser.parse_args()
    mlflow.set_tracking_uri(given.tracking_uri)
    done = timed(lambda: newest_by_name(MlflowClient(), given.experiment))
    versions = MlflowClient().search_model_versions("name = 'penguins'", max_results=1000)
    registered = {version.run_id for version in versions}
    tell(
        done,
        runs={name: contents(run) for name, run in done.result.items()},
        registered=sum(run.info.run_id in registered for run in done.result.values()),
    )


if __name__ == "__main__":
    main()
