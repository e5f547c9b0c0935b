"""The model that is packaged: which one, how it answers, and what its image is checked with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rookery.core.examples import Examples
from rookery.core.fields import example_value
from rookery.core.records import InvalidRecords
from rookery.core.served import Description, Lineage
from rookery.errors import InputError
from rookery.jobs.project import open_project
from rookery.jobs.query import query
from rookery.serving.loading import predictor_of
from rookery.serving.packaged import write_packaged
from rookery.serving.predictor import artifact
from rookery.serving.predictor.interface import Predictor
from rookery.stores.folders import ModelFolder, model_bytes, model_digest, read_folder
from rookery.stores.model_dirs import read_model_dir
from rookery.stores.versions import LoadedVersion, fetch_version, loaded_from


@dataclass(frozen=True)
class Chosen:
    """A loaded model with its folder; `alias` is the one that it was found by."""

    loaded: LoadedVersion
    folder: ModelFolder
    alias: str | None

    @property
    def description(self) -> Description:
        return self.loaded.description

    @cached_property
    def predictor(self) -> Predictor:
        """How it answers, proven against its pipeline.

        Raises:
            Refused: it gives several labels for a row.
        """
        return predictor_of(self.loaded)

    @property
    def is_converted(self) -> bool:
        """Whether it answers without scikit-learn."""
        return artifact.dump(self.predictor) is not None

    def write(self, place: Path) -> None:
        """Fills a new folder, which `MODEL_DIR` may name.

        Raises:
            InputError: there is no example that its image could be checked with.
        """
        examples = self._examples()
        place.mkdir(parents=True)
        write_packaged(
            place,
            self.description,
            self.predictor,
            alias=self.alias,
            model=self.folder.path,
            data=model_bytes(self.folder),
            examples=examples,
        )

    def _examples(self) -> Examples:
        """What the pipeline itself, not what was made of it, says of its input example's rows."""
        one = self.description
        asked = [self._asked(example) for example in self.folder.examples]
        found = [each for each in asked if each is not None]
        if not found:
            raise InputError(
                f"version {one.version} of {one.name} has no input example that the API takes, so "
                "that its image could not be checked",
                field="input_example",
                value=one.version,
                allowed="a model that was logged with an input example",
                next="log it again: mlflow.sklearn.log_model(model, name=…, "
                "input_example=X.head())",
            )
        records, answers = zip(*found, strict=True)
        return Examples(one.name, one.version, records, answers)

    def _asked(self, example: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """A record and its answer; None of one that the API refuses."""
        one = self.description
        named = {each.name: example_value(example.get(each.name), each.type) for each in one.fields}
        record = {name: value for name, value in named.items() if value is not None}
        try:
            rows = one.reader(strict=True).rows([record])
        except InvalidRecords:  # of a model that was logged by hand
            return None
        labels, scores = self.loaded.answers(rows)
        answer = one.answer(labels[0], scores[0] if scores else None, "")
        del answer["id"]
        return record, answer


def choose(
    task: str | None,
    place: Path,
    *,
    alias: str | None = None,
    version: int | None = None,
    models_dir: Path | None = None,
) -> Chosen:
    """The model that is named, its files below `place`; by `MODEL_ALIAS` where nothing names one.

    Raises:
        InputError: more than one is named, or there is none. Refused: the trust rule said no.
    """
    _check_one(alias=alias, version=version, models_dir=models_dir)
    if models_dir is not None:
        return _from_files(models_dir, task)
    if version is not None:
        project = open_project(task)
        number = str(version)
        return Chosen(*fetch_version(project.tracking, project.task.name, number, place), None)
    carried = query(task, alias=alias)
    tracking = open_project(task).tracking
    return Chosen(*fetch_version(tracking, carried.task, carried.version, place), carried.alias)


def _check_one(**given: Any) -> None:
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError(
            f"{' and '.join(named)} each name a model",
            field=named[0],
            allowed="one of --alias, --version and --models-dir",
        )


def _from_files(folder: Path, task: str | None) -> Chosen:
    """A model that is no version has the first digits of its file's SHA-256 for a number."""
    left = read_model_dir(folder)
    found = read_folder(left.model)
    name = found.task.name if found.task else task
    if name is None or (task is not None and name != task):
        raise InputError(
            f"--models-dir {folder} holds a model of {name or 'no task'}",
            field="--models-dir",
            value=str(folder),
            allowed=f"a model of {task}" if task else "a model with a copy of its task",
        )
    lineage = Lineage(
        run_id=left.run_id,
        digest=left.said.get("digest"),
        commit=left.said.get("commit"),
        metrics=left.said.get("metrics", {}),
        libraries=found.libraries,
        family=left.said.get("family"),
    )
    number = f"unregistered-{model_digest(found)[:8]}"
    loaded = loaded_from(found, name=name, version=number, registered=0, lineage=lineage)
    return Chosen(loaded, found, None)
