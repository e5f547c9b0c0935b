"""What scripts and CI call: a model from files, and the registry."""

from pathlib import Path
from typing import Annotated

import typer

from rookery import text_again as text
from rookery.cli.application import Alias, Json, TaskName, apart, app, show


@app.command()
def train(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="What a sweep wrote, configs/model_config.yaml if left out; or a task file, of "
            "which the best candidate is trained.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Raw rows, or cleaned_TASK.csv or featured_TASK.csv; the task's source if left "
            "out.",
        ),
    ] = None,
    models_dir: Annotated[
        Path, typer.Option("--models-dir", metavar="DIR", help="Gets model/ and metrics.json.")
    ] = Path("models"),
    mlflow_tracking_uri: Annotated[
        str | None,
        typer.Option(
            "--mlflow-tracking-uri",
            metavar="URI",
            help="Log the run there; its id and the address go to run_id.txt and "
            "tracking_uri.txt in the models' folder.",
        ),
    ] = None,
    processed_dir: Annotated[
        Path | None,
        typer.Option(
            "--processed-dir",
            metavar="DIR",
            help="Gets cleaned_TASK.csv, featured_TASK.csv and preprocessing_TASK.skops.",
        ),
    ] = None,
    prepare_only: Annotated[
        bool, typer.Option("--prepare-only", help="Fit the pre-processing only, and no model.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="How far metrics may be from the file's.")
    ] = 1e-6,
    as_json: Json = False,
) -> None:
    """Train a configuration again from files; 3 where the same rows give other metrics."""
    from rookery.jobs.train import train as job

    with apart():
        result = job(
            config,
            data=data,
            models_dir=models_dir,
            mlflow_tracking_uri=mlflow_tracking_uri,
            processed_dir=processed_dir,
            prepare_only=prepare_only,
            tolerance=tolerance,
        )
    show(result, as_json, text.trained(result))


@app.command()
def register(
    run_id: Annotated[
        str, typer.Option("--run-id", metavar="RUN_ID", help="The run that logged the model.")
    ],
    task: TaskName = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Ask the whole gate, beside what is promoted."),
    ] = False,
    models_dir: Annotated[
        Path,
        typer.Option(
            "--models-dir", metavar="DIR", help="Where `train` left the run's id and its server."
        ),
    ] = Path("models"),
    as_json: Json = False,
) -> None:
    """Make the model of a run a version, over the gate; no alias moves."""
    from rookery.jobs.register import register as job

    with apart():
        result = job(run_id, task, compare=compare, models_dir=models_dir)
    show(result, as_json, text.registered(result))


@app.command()
def query(
    task: TaskName = None,
    alias: Alias = None,
    as_json: Json = False,
) -> None:
    """Show the version that carries an alias; 2 where none does."""
    from rookery.jobs.query import query as job

    with apart():
        result = job(task, alias=alias)
    show(result, as_json, text.carried(result))
