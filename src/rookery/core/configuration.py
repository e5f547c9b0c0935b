"""The configuration of a model: one candidate of a task with what it reached, as one file."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import Field, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from rookery.core.candidates import Candidate, expand
from rookery.core.families import FAMILIES
from rookery.core.located import Located
from rookery.core.sections import Strict
from rookery.core.task import Task, TaskName
from rookery.core.taskfile import parse_task, read_mapping, validated

NEXT = "rookery train --config FILE"
HEAD = """\
# A model of the task {task}, as `rookery train --config FILE` trains it again, without a server.
# Above, what is learnt and how; below, from `metrics` on, what it reached and with what.
"""


class Trained(Strict):
    """What a configuration says besides its task: the candidate, what it reached, and with what.

    `digest` names the clean rows, and without it or `metrics` there is nothing to compare with.
    """

    task: TaskName
    family: str
    estimator: str = Field(description="Class of scikit-learn.")
    parameters: dict[str, Any] = Field(default={})
    calibrated: bool = False
    max_rows: int | None = Field(default=None, gt=0)
    metrics: dict[str, float] = Field(default={})
    cross_validated: bool = True
    digest: str | None = None
    rows: dict[str, int] = Field(default={})
    libraries: dict[str, str] = Field(default={})
    python: str | None = None
    commit: str | None = None
    dirty: bool = False
    run_id: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the family's name says the class already, and how it is calibrated."""
        known = FAMILIES.get(self.family)
        return known is not None and (
            self.estimator == known.regressor
            or (self.estimator == known.classifier and self.calibrated == known.calibrated)
        )

    @model_validator(mode="after")
    def calibration_fits(self) -> Self:
        if self.calibrated and not self.is_ours:
            raise Located(("calibrated",), True, "false, or a family that is calibrated")
        return self


@dataclass(frozen=True)
class Configuration:
    """A candidate that can be trained: `task` has no other."""

    trained: Trained
    task: Task

    @property
    def candidate(self) -> Candidate:
        return expand(self.task)[0][1]

    @property
    def text(self) -> str:
        """The file; what it holds is read back to the last bit."""
        said = self.trained.model_dump(exclude_defaults=True)
        said["cross_validated"] = self.trained.cross_validated
        model = {key: said.pop(key) for key in MODEL if key in said}
        learnt = _written(self.task)
        del learnt["name"], learnt["candidates"]
        return HEAD.format(task=self.task.name) + _yaml(model | learnt | said)

    @property
    def task_text(self) -> str:
        """The task file of this candidate alone, as a model carries it."""
        return _yaml(_written(self.task))


MODEL = ("task", "family", "estimator", "calibrated", "parameters", "max_rows")


def with_results(configuration: Configuration, reached: Mapping[str, Any]) -> Configuration:
    """The same candidate with what another training of it reached."""
    return replace(configuration, trained=configuration.trained.model_copy(update=reached))


def configuration_of(task: Task, name: str, **reached: Any) -> Configuration | None:
    """The configuration of a candidate by its run's name, with what it `reached`.

    None for one that was given in Python: a file cannot hold an estimator.
    """
    family, _, number = name.rpartition("-")
    spec = task.candidates.get(family)
    if spec is None or not number.isdecimal() or not 0 < int(number) <= len(spec.sets):
        return None
    known = FAMILIES.get(family)
    calibrated = spec.estimator is None and known is not None and known.calibrated
    trained = Trained(
        task=task.name,
        family=family,
        estimator=str(spec.estimator or (known and known.path(task.kind))),
        parameters=spec.fixed | spec.sets[int(number) - 1],
        calibrated=calibrated and task.kind == "classifier",
        max_rows=spec.max_rows,
        **reached,
    )
    return Configuration(trained, Task.model_validate(_written(task) | _section(trained)))


def parse_configuration(text: str, filename: str) -> Configuration:
    """The configuration that the text describes.

    Raises:
        InputError: with every mistake found, each on a line `file:line: key.path: …`.
    """
    tree, plain = read_mapping(text, filename)
    said = {key: plain.pop(key) for key in list(plain) if key in Trained.model_fields}
    trained = validated(Trained, said, tree, filename, next=NEXT)
    plain |= {"name": trained.task} | _section(trained)
    return Configuration(trained, validated(Task, plain, tree, filename, next=NEXT))


def parse_given(text: str, filename: str) -> Configuration | Task:
    """A configuration, or a task file, whose candidates are still to be compared.

    Raises:
        InputError: as the parser of the one that it looks like.
    """
    _, plain = read_mapping(text, filename)
    is_task = "name" in plain and "task" not in plain
    return parse_task(text, filename) if is_task else parse_configuration(text, filename)


def _section(trained: Trained) -> dict[str, Any]:
    """`candidates` of a task file: this one only."""
    spec: dict[str, Any] = {"sets": [trained.parameters]}
    if not trained.is_ours:
        spec["estimator"] = trained.estimator
    if trained.max_rows:
        spec["max_rows"] = trained.max_rows
    return {"candidates": {trained.family: spec}}


def _written(task: Task) -> dict[str, Any]:
    """The keys that the task file has."""
    return task.model_dump(mode="json", by_alias=True, exclude_unset=True)


class _Widely(RoundTripRepresenter):
    """Writes what readers of YAML 1.1, which most libraries are, take for the same value."""

    def number(self, value: float) -> Any:
        """A dot before the exponent: without it they see text."""
        text = repr(value)
        dotted = text if "." in text else text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", dotted)

    def text(self, value: str) -> Any:
        """Words in quotes that they would take for true or false."""
        style = "'" if value.lower() in ("y", "n", "yes", "no", "on", "off") else None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Widely.add_representer(float, _Widely.number)
_Widely.add_representer(str, _Widely.text)


def _yaml(plain: dict[str, Any]) -> str:
    yaml, out = YAML(), io.StringIO()
    yaml.Representer = _Widely
    yaml.width = 4096
    yaml.dump(plain, out)
    return out.getvalue()
