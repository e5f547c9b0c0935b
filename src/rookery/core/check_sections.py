"""The section `checks` of a task file: what a model must do besides reaching its metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from rookery.core.located import Located, brief
from rookery.core.sections import Share, Strict

if TYPE_CHECKING:
    from rookery.core.task import Task

EVERY_OTHER = "*"  # class: all that have no bound of their own
FEWEST_ROWS = 20  # of a class, bin or segment that is judged
NotBelowZero = Annotated[FiniteFloat, Field(ge=0)]
Minimum = Annotated[dict[str, FiniteFloat], Field(min_length=1)]


def _short_for(key: str) -> Callable[[Any], Any]:
    """A bare value stands for the mapping that has only this key."""
    return lambda value: value if isinstance(value, Mapping | Strict) else {key: value}


def as_key(label: Any) -> Any:
    """A class as a key of the file: YAML's true and false are text there."""
    return str(label).lower() if isinstance(label, bool) else label


def _by_class(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {EVERY_OTHER: value}
    return {as_key(label): bound for label, bound in value.items()}


class Invariance(Strict):
    """How many answers may change when nothing but this column does."""

    share: Share = Field(default=0.0, description="Of the rows that may be answered otherwise.")
    tolerance: NotBelowZero | None = Field(
        default=None,
        description="How far an answer may move: a number, or the probability of a class. "
        "Without it a classifier's label counts.",
    )


class Direction(Strict):
    """Which way the answer goes when this column is raised."""

    goes: Literal["up", "down"]
    class_: str | bool | None = Field(
        default=None, alias="class", description="Whose probability; of two the last one."
    )
    by: Annotated[FiniteFloat, Field(gt=0)] | None = Field(
        default=None, description="How much it is raised; one standard deviation without."
    )
    share: Share = Field(default=0.95, description="Of the rows for which it must hold.")
    strictly: bool = Field(default=False, description="Whether an unmoved answer breaks it.")


class PerClass(Strict):
    """The least that each class must reach."""

    minimum: Annotated[
        dict[
            Literal["recall", "precision", "f1"],
            Annotated[
                dict[str, Share],
                BeforeValidator(_by_class, json_schema_input_type=dict[str, float] | float),
            ],
        ],
        Field(min_length=1),
    ]
    rows: int = Field(default=FEWEST_ROWS, ge=1, description="Fewer of a class are not judged.")


class PerBin(Strict):
    """The least that each range of a numeric target must reach."""

    minimum: Minimum
    edges: tuple[FiniteFloat, ...] | None = Field(
        default=None, min_length=1, description="Between the bins; quarters of the rows without."
    )
    rows: int = Field(default=FEWEST_ROWS, ge=1, description="Fewer in a bin are not judged.")


class PerSegment(Strict):
    """The least that each value, or each quarter of a number, of a column must reach."""

    minimum: Minimum
    rows: int = Field(default=FEWEST_ROWS, ge=1, description="Fewer are not judged.")


class Cells(Strict):
    """Single values that are taken away, anywhere in the columns that may lack one."""

    share: Share = Field(description="Of the values.")
    worse_by: NotBelowZero = Field(description="How much worse the metric may get.")


class Missing(Strict):
    """How much worse the metric may get when values are missing."""

    columns: dict[str, NotBelowZero] = Field(
        default={}, description="By column that is taken away whole."
    )
    cells: Cells | None = None
    metric: str | None = Field(default=None, description="That of the task without.")


Invariant = Annotated[
    Invariance, BeforeValidator(_short_for("share"), json_schema_input_type=Invariance | float)
]
Directed = Annotated[
    Direction,
    BeforeValidator(_short_for("goes"), json_schema_input_type=Direction | Literal["up", "down"]),
]


class Checks(Strict):
    """What a model must do besides reaching its metrics; each is measured on hold-out rows."""

    rows: int = Field(
        default=2000, ge=1, description="Hold-out rows that are asked again with changed values."
    )
    invariance: dict[str, Invariant] = Field(default={})
    direction: dict[str, Directed] = Field(default={})
    per_class: PerClass | None = None
    per_bin: PerBin | None = None
    per_segment: dict[str, PerSegment] = Field(default={})
    missing: Missing | None = None
    packaging: bool = Field(
        default=True, description="Whether all forms that are served must answer the same."
    )


Place = tuple[Any, ...]


def check_checks(task: "Task", metrics: Sequence[str]) -> None:
    """Refuses a check that does not fit the task's columns, classes or metrics.

    Raises:
        Located: the first that does not.
    """
    for place, value, allowed in _mistakes(task, metrics):
        raise Located(("checks", *place), value, allowed)


def _mistakes(task: "Task", metrics: Sequence[str]) -> Iterator[tuple[Place, Any, str]]:
    yield from _of_invariance(task)
    yield from _of_direction(task)
    yield from _of_classes(task)
    yield from _of_bins(task)
    yield from _of_segments(task)
    yield from _of_missing(task)
    for place, name in _metrics_named(task):
        if name not in metrics:
            yield place, name, f"one of {', '.join(metrics)}"


def _of_invariance(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    known = [name for name in task.columns if name not in (task.target, task.split.column)]
    for name in task.checks.invariance:
        if name not in known:
            yield ("invariance", name), name, f"one of the columns {brief(known)}"


def _of_direction(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    known = [name for name in task.inputs if task.columns[name].type in ("float", "integer")]
    for name, rule in task.checks.direction.items():
        place = ("direction", name)
        if name not in known:
            yield place, name, f"a number that the model takes: {brief(known) or 'there is none'}"
        elif task.columns[name].type == "integer" and rule.by is not None and rule.by % 1:
            yield (*place, "by"), rule.by, f"a whole number, as {name} is one"
        if rule.class_ is None and len(task.labels) > 2:
            yield place, "no class", f"class: one of {brief(task.labels)}"
        if rule.class_ is not None and rule.class_ not in task.labels:
            classes = f"one of {brief(task.labels)}" if task.labels else "no class, for a number"
            yield (*place, "class"), rule.class_, classes


def _of_classes(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    rule = task.checks.per_class
    if rule is None:
        return
    if not task.labels:
        yield ("per_class",), f"a target that is a number ({task.target})", "per_bin"
    known = [*map(as_key, task.labels), EVERY_OTHER]
    for metric, bounds in rule.minimum.items():
        for label in bounds:
            if label not in known:
                allowed = f"one of {brief(task.labels)}, or {EVERY_OTHER!r} for all others"
                yield ("per_class", "minimum", metric, label), label, allowed


def _of_bins(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    rule = task.checks.per_bin
    if rule is None:
        return
    if task.labels:
        yield ("per_bin",), f"a target of classes ({task.target})", "per_class"
    if any(low >= high for low, high in pairwise(rule.edges or ())):
        yield ("per_bin", "edges"), str(list(rule.edges or ())), "numbers, each above the last"


def _of_segments(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    for name in task.checks.per_segment:
        if name not in task.columns or task.columns[name].type in ("text", "date"):
            allowed = "a category, boolean, float or integer column"
            yield ("per_segment", name), name, allowed


def _of_missing(task: "Task") -> Iterator[tuple[Place, Any, str]]:
    rule = task.checks.missing
    if rule is None:
        return
    known = optional_inputs(task)
    for name in rule.columns:
        if name not in known:
            required = name in task.columns and task.columns[name].required
            why = f"{name} (required: rows without it never reach the model)"
            allowed = f"columns that the model takes and that may lack a value: {brief(known)}"
            yield ("missing", "columns", name), why if required else name, allowed
    if rule.cells and not known:
        yield ("missing", "cells"), "no column that may lack a value", "none, or required: false"


def optional_inputs(task: "Task") -> list[str]:
    """Columns that the model takes and that a row may lack."""
    return [name for name in task.inputs if not task.columns[name].required]


def _metrics_named(task: "Task") -> Iterator[tuple[Place, str]]:
    checks = task.checks
    if checks.missing and checks.missing.metric:
        yield ("missing", "metric"), checks.missing.metric
    for name in checks.per_bin.minimum if checks.per_bin else ():
        yield ("per_bin", "minimum", name), name
    for column, rule in checks.per_segment.items():
        for name in rule.minimum:
            yield ("per_segment", column, "minimum", name), name
