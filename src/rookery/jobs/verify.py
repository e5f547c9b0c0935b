"""A model against the checks of its task: a registered version, or one in a folder of files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rookery.core.checks import Asked, Result, declared, run
from rookery.core.shape import answers_on
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.checking import asked_of, log_checks
from rookery.jobs.holdouts import holdout_of
from rookery.jobs.prepare import prepare
from rookery.jobs.project import Project, open_project
from rookery.jobs.query import carrier
from rookery.jobs.rows import split_rows
from rookery.jobs.target import Target, from_folder, from_version
from rookery.stores.model_dirs import MODEL


@dataclass(frozen=True)
class Subject:
    """A model that is to be checked, with its answers; `project` is that of its task."""

    project: Project
    target: Target
    asked: Asked


@dataclass(frozen=True)
class Verification:
    """What all checks of a task found of a model; `version` is None of a model in a folder.

    `rows` are the hold-out rows, of which at most `sampled` are asked again with changed values.
    """

    task: str
    model: str
    version: str | None
    run_id: str | None
    rows: int
    sampled: int
    passed: bool
    checks: list[Result]


def verify(
    task: str | None = None,
    *,
    version: str | int | None = None,
    alias: str | None = None,
    models_dir: str | Path | None = None,
    data: str | Path | None = None,
) -> Verification:
    """Runs the checks of the task file on a version, on what serves if none is named.

    `models_dir` names a folder that `rookery train` wrote instead; then `data`, a file of rows, or
    the source of the task is what it is asked. Results of a version are kept with its run.

    Raises:
        InputError: there is no such version, folder or file, or there are no rows. NotPromoted: no
            version carries the alias. Refused: the model may not be loaded, or is of another task.
        Unavailable: a store failed.
    """
    found = subject(task, version=version, alias=alias, models_dir=models_dir, data=data)
    target, asked = found.target, found.asked
    results = [run(check, asked) for check in declared(found.project.task)]
    if target.run_id is not None and results:
        log_checks(found.project.tracking, target.run_id, results, len(asked.rows))
    return Verification(
        task=found.project.task.name,
        model=target.name,
        version=target.version,
        run_id=target.run_id,
        rows=len(asked.rows),
        sampled=min(len(asked.rows), asked.task.checks.rows),
        passed=all(result.passed for result in results),
        checks=results,
    )


def subject(
    task: str | None = None,
    *,
    version: str | int | None = None,
    alias: str | None = None,
    models_dir: str | Path | None = None,
    data: str | Path | None = None,
) -> Subject:
    """The model that `verify` runs its checks on; raises what that does."""
    _only_one(version=version, alias=alias, models_dir=models_dir)
    if models_dir is not None:
        target = from_folder(_model_in(Path(models_dir)))
        project = open_project(task or _name(target.task))
        holdout = _of_file(project, data)
    else:
        project = open_project(task)
        number = carrier(project, alias) if version is None else str(version)
        target = from_version(project, number, named=version is not None)
        holdout = holdout_of(project, target.run_id) if data is None else _of_file(project, data)
    said = answers_on(target.model, holdout, project.task, target.columns)
    return Subject(project, target, asked_of(project.task, target, holdout, said))


def _only_one(**named: object) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise InputError(
            f"{' and '.join(given)} name two models",
            field=given[1],
            value=str(named[given[1].strip("-").replace("-", "_")]),
            allowed="one of them",
            next="rookery verify --help",
        )


def _model_in(folder: Path) -> Path:
    if (folder / MODEL).is_dir():
        return folder / MODEL
    raise InputError(
        f"--models-dir {folder} holds no folder {MODEL}/",
        field="--models-dir",
        value=str(folder),
        allowed="a folder that `rookery train` wrote",
        next=f"rookery train --models-dir {folder}",
    )


def _name(task: Task | None) -> str | None:
    return task.name if task else None


def _of_file(project: Project, data: str | Path | None) -> pd.DataFrame:
    return split_rows(prepare(project, data).rows, project.task)[1]
