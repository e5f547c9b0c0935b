"""Trains the pipelines that every server serves, with Rookery's own jobs, and stores them.

`python -m serving.train FOLDER`, with ROOKERY_HOME and ROOKERY_TASKS set, writes for the others
FOLDER/<model>/pipeline.joblib and FOLDER/<model>/mlflow, and FOLDER/served.json: the versions in
the registry, rows, and what `pipeline.predict` says of them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from ruamel.yaml import YAML
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures

import rookery as rk
from rookery.core.pipeline import build_pipeline
from rookery.core.task import Task
from rookery.jobs.project import Project, open_project
from rookery.jobs.rows import read_clean
from rookery.stores.folders import load_trusted, read_folder, scratch

LINEAR, AGAIN, FOREST, POLYNOMIAL = "linear", "linear_again", "forest", "polynomial"
FAMILIES = {"logistic_regression": LINEAR, "random_forest": FOREST}
CANDIDATES = {
    "logistic_regression": {"fixed": {"max_iter": 5000}, "sets": [{"C": 1.0}]},
    "random_forest": {"fixed": {"random_state": 42}, "sets": [{"n_estimators": 100}]},
}


def main() -> None:
    folder = Path(sys.argv[1])
    keep_these_candidates()
    rk.ingest()
    rk.clean()
    versions = trained()
    project = open_project()
    rows = read_clean(project)[project.task.inputs]
    labels = {name: store(project, folder / name, versions[name], rows) for name in versions}
    served = {"versions": versions, "labels": labels, "rows": rows.to_dict(orient="records")}
    (folder / "served.json").write_text(json.dumps(served), encoding="utf-8")


def keep_these_candidates() -> None:
    """Of the task's copy: these two families, each registered, none kept out by gate or checks."""
    yaml, path = YAML(), open_project().settings.tasks_folder / "penguins.yaml"
    task = yaml.load(path)
    task["candidates"], task["register"] = CANDIDATES, "each_family"
    task["gate"]["not_worse_than_production"] = False
    del task["checks"]
    yaml.dump(task, path)


def trained() -> dict[str, str]:
    """The version of each model."""
    task = open_project().task
    extra = [
        rk.Candidate(AGAIN, LogisticRegression(max_iter=5000, C=10.0)),
        rk.Candidate(POLYNOMIAL, polynomial(task)),
    ]
    done = rk.sweep(extra=extra, cross_validate=False, jobs=1)
    missing = [f"{row.name}: {row.error or done.verdict}" for row in done.rows if row.error]
    if missing or len(done.versions) != len(CANDIDATES) + len(extra):
        raise SystemExit(f"not every model became a version: {missing or done.verdict}")
    return {FAMILIES.get(row.family, row.family): done.versions[row.run_id] for row in done.rows}


def polynomial(task: Task) -> Pipeline:
    """The usual pipeline with a step that no compiler of ours knows."""
    pipeline = build_pipeline(task, LogisticRegression(max_iter=5000))
    pipeline.steps.insert(-1, ("polynomial", PolynomialFeatures(degree=2)))
    return pipeline


def store(project: Project, folder: Path, version: str, rows: pd.DataFrame) -> list[Any]:
    """Writes the pipeline of a version as the others load it; returns its labels of the rows."""
    tracking = project.tracking
    with scratch() as place:
        found = tracking.version(project.task.name, version)
        pipeline = load_trusted(read_folder(tracking.download(tracking.model_uri(found), place)))
    labels = pipeline.predict(rows)
    folder.mkdir(parents=True)
    joblib.dump(pipeline, folder / "pipeline.joblib")
    mlflow.sklearn.save_model(
        pipeline,
        str(folder / "mlflow"),
        serialization_format="cloudpickle",
        signature=infer_signature(rows, labels),
        pip_requirements=["scikit-learn", "pandas"],  # not installed: served in its environment
    )
    return list(labels.tolist())


if __name__ == "__main__":
    main()
