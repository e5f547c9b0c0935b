"""A model again from its configuration: from files to files, without a database or a server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from rookery.core.candidates import expand
from rookery.core.configuration import Configuration
from rookery.core.equality import MetricDifference, metric_differences, other_versions
from rookery.core.sampling import sample
from rookery.core.task import Task
from rookery.errors import InputError, Refused
from rookery.jobs.best_candidate import best_candidate, first_candidate
from rookery.jobs.fitting import Fitting, Packed
from rookery.jobs.leaderboard import Row
from rookery.jobs.prepare import Prepared, prepare
from rookery.jobs.project import Project
from rookery.jobs.rows import split_rows
from rookery.jobs.training_run import log_training
from rookery.settings import get_settings
from rookery.stores.configurations import FILE, read_given
from rookery.stores.connection import configure
from rookery.stores.folders import scratch
from rookery.stores.model_dirs import writable, write_model_dir
from rookery.stores.models import libraries, task_signature, write_template
from rookery.stores.packing import pack
from rookery.stores.prepared_files import write_prepared

# another processor adds in another order; what is learnt differs by less than this
TOLERANCE = 1e-6
Sides = tuple[pd.DataFrame, pd.DataFrame]  # to train on, held out


@dataclass(frozen=True)
class Training:
    """A candidate that was trained from a configuration, and the files that were written.

    `compared` says how its metrics stand to those of the configuration; without a tracking server
    there is no run, and without a fit there are no metrics.
    """

    task: str
    family: str
    origin: str
    digest: str
    rows: int
    rejected: int
    duplicates: int
    compared: str
    files: list[str]
    metrics: dict[str, float] = field(default_factory=dict)
    run_id: str | None = None
    link: str | None = None


def train(
    config: str | Path | None = None,
    *,
    data: str | Path | None = None,
    models_dir: str | Path = "models",
    mlflow_tracking_uri: str | None = None,
    processed_dir: str | Path | None = None,
    prepare_only: bool = False,
    tolerance: float = TOLERANCE,
) -> Training:
    """Trains the candidate of a configuration on the rows of `data`, or of the task's source.

    Without one named, it is that of the last sweep, `configs/model_config.yaml` of the project. In
    place of a configuration a task file may stand: then it is the one of its candidates that does
    best on the folds.

    `models_dir` gets `model/`, `metrics.json` and, where a tracking server is named and so the run
    is logged, `run_id.txt`; `processed_dir` gets the clean rows without and with derived features
    and the fitted pre-processing. `prepare_only` stops there.

    Raises:
        InputError: the configuration, the rows or a folder cannot be used. Unavailable: the
            tracking server failed. Refused: on the same rows, metrics are further than
            `tolerance` from those of the configuration; no model is written then.
    """
    settings = get_settings()
    place_of_config = Path(config) if config else settings.configs_folder / FILE
    given = read_given(place_of_config)
    if mlflow_tracking_uri is not None:
        settings = settings.with_tracking(mlflow_tracking_uri)
    task = given.task if isinstance(given, Configuration) else given
    prepared = prepare(Project(settings, task, ""), data)
    sides = split_rows(prepared.rows, task)
    configuration = _chosen(given, sides, fit=not prepare_only)
    project = Project(settings, configuration.task, configuration.task_text)
    files: list[Path] = []
    if processed_dir is not None:
        files += _write_processed(Path(processed_dir), prepared, configuration, sides)
    if prepare_only:
        return _training(configuration, prepared, "nothing was fitted", files)
    # what may fail for another reason than the fit is to be known before it
    folder = writable(Path(models_dir), "--models-dir")
    if mlflow_tracking_uri is not None:
        _ = project.experiment
    packed = _fit(configuration, sides)
    if isinstance(given, Configuration):
        compared = _compare(given, prepared, packed.metrics, place_of_config.name, tolerance)
    else:
        compared = f"the best of {len(expand(given))} candidates on the folds"
    with scratch() as place:
        _write_template(project, sides[0], place / "template")
        row = None
        if mlflow_tracking_uri is not None:
            row = log_training(project, prepared, sides, packed, place / "template", configuration)
        metrics = _reached(configuration, prepared, packed, compared)
        run_id = row.run_id if row else None
        files += write_model_dir(folder, place / "template", packed.data, metrics, run_id)
    return _training(configuration, prepared, compared, files, packed.metrics, row)


def _chosen(given: Configuration | Task, sides: Sides, *, fit: bool) -> Configuration:
    if isinstance(given, Configuration):
        return given
    return best_candidate(given, *sides) if fit else first_candidate(given)


def _write_processed(
    folder: Path, prepared: Prepared, configuration: Configuration, sides: Sides
) -> list[Path]:
    task, candidate = configuration.task, configuration.candidate
    paths = write_prepared(writable(folder, "--processed-dir"), prepared.rows, task)
    train = sample(sides[0], task, candidate.max_rows)
    fitted = candidate.pipeline(task)[:-1].fit(train[task.inputs], train[task.target])
    path = folder / f"preprocessing_{task.name}.skops"
    path.write_bytes(pack(fitted))
    return [*paths, path]


def _fit(configuration: Configuration, sides: Sides) -> Packed:
    """The candidate, fitted and scored as in a sweep.

    Raises:
        InputError: it cannot be fitted.
    """
    cross_validate = configuration.trained.cross_validated
    fitting = Fitting(configuration.task, *sides, cross_validate=cross_validate)
    _, outcome = fitting.attempt(0, configuration.candidate)
    if isinstance(outcome, Packed):
        return outcome
    raise InputError(
        f"{configuration.trained.family} cannot be fitted: {type(outcome).__name__}: {outcome}",
        field="parameters",
        value=str(configuration.trained.parameters),
        next="mend `parameters` in the configuration",
    ) from outcome


def _compare(
    configuration: Configuration,
    prepared: Prepared,
    metrics: dict[str, float],
    config: str,
    tolerance: float,
) -> str:
    """How the metrics stand to those of the configuration, in words.

    Raises:
        Refused: the same rows gave others.
    """
    before = configuration.trained
    if before.digest is None or not before.metrics:
        return f"{config} names no metrics, or no rows, to compare with"
    if before.digest != prepared.digest:
        return (
            f"other rows (digest {prepared.digest}) than those of {config} ({before.digest}): "
            "metrics are not compared"
        )
    differences = metric_differences(before.metrics, metrics, tolerance)
    if differences:
        raise _other_metrics(config, differences, other_versions(before.libraries, libraries()))
    exact = not metric_differences(before.metrics, metrics)
    how = "equal to the last bit to" if exact else f"within {tolerance:g} of"
    return f"the same rows, and metrics {how} those of {config}"


def _other_metrics(
    config: str, differences: list[MetricDifference], versions: dict[str, list[str]]
) -> Refused:
    named = ", ".join(f"{name} {old} then, {new} now" for name, (old, new) in versions.items())
    return Refused(
        f"the same rows gave other metrics than {config} says: "
        f"{'; '.join(map(str, differences))}" + (f". Libraries differ: {named}" if named else ""),
        field="metrics",
        value={each.name: each.now for each in differences},
        allowed={each.name: each.before for each in differences},
        next="train with the libraries it names; after changing it on purpose, take its `metrics` "
        "out; --tolerance allows for another processor",
    )


def _write_template(project: Project, train: pd.DataFrame, template: Path) -> None:
    configure(project.settings)
    write_template(
        template,
        signature=task_signature(project.task),
        example=train[project.task.inputs].head(3),
        task_text=project.task_text,
    )


def _reached(
    configuration: Configuration, prepared: Prepared, packed: Packed, compared: str
) -> dict[str, Any]:
    return {
        "task": configuration.task.name,
        "family": configuration.trained.family,
        "metrics": packed.metrics,
        "rows": len(prepared.rows),
        "digest": prepared.digest,
        "compared": compared,
    }


def _training(
    configuration: Configuration,
    prepared: Prepared,
    compared: str,
    files: list[Path],
    metrics: dict[str, float] | None = None,
    row: Row | None = None,
) -> Training:
    return Training(
        task=configuration.task.name,
        family=configuration.trained.family,
        origin=prepared.origin,
        digest=prepared.digest,
        rows=len(prepared.rows),
        rejected=prepared.rejected,
        duplicates=prepared.duplicates,
        compared=compared,
        files=[str(path) for path in files],
        metrics=metrics or {},
        run_id=row.run_id if row else None,
        link=row.link if row else None,
    )
