"""What to learn from which table: the one file by which a user brings a table."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from rookery.core.check_sections import Checks, check_checks
from rookery.core.derived import Derived
from rookery.core.families import FAMILIES, Kind, estimator_parameters, kind_of
from rookery.core.located import Located, brief, check_column_name
from rookery.core.metrics import BINARY, DIRECTIONS, METRICS
from rookery.core.sections import (
    Candidates,
    Cleaning,
    Column,
    Gate,
    Retrain,
    Source,
    Split,
    Strict,
    Threshold,
)
from rookery.errors import InputError

RESERVED_TASKS = frozenset({"predictions", "feedback", "promotions"})
COMPARES_AS = {
    "float": "number",
    "integer": "number",
    "boolean": "number",
    "date": "date",
    "category": "text",
    "text": "text",
}

NAME = r"^[a-z][a-z0-9_]{0,40}$"
TaskName = Annotated[str, StringConstraints(pattern=NAME)]


def check_task_name(name: str) -> None:
    """Refuses what cannot be the name of a task.

    Raises:
        InputError: it has other letters, is too long, or names a table of the platform.
    """
    if not re.fullmatch(NAME.strip("^$"), name, re.ASCII) or name in RESERVED_TASKS:
        raise InputError(
            f"{name!r} cannot be the name of a task",
            field="NAME",
            value=name,
            allowed="lower-case letters, digits and _, a letter first, 41 at most; "
            f"not {', '.join(sorted(RESERVED_TASKS))}",
        )


class Task(Strict):
    """What to learn from which table, and when a model of it is good enough."""

    name: TaskName
    title: str = ""
    description: str = ""
    source: Source
    columns: dict[str, Column] = Field(min_length=1)
    target: str
    cleaning: Cleaning = Cleaning()
    features: dict[str, Derived] = Field(default={})
    split: Split = Split()
    metric: str
    direction: Literal["maximize", "minimize"] | None = None
    threshold: Threshold | None = None
    target_transform: Literal["log"] | None = None
    gate: Gate = Gate()
    checks: Checks = Checks()
    retrain: Retrain = Retrain()
    register_: Literal["best", "each_family"] = Field(default="best", alias="register")
    candidates: dict[str, Candidates] = Field(min_length=1)

    @property
    def kind(self) -> Kind:
        return (
            "classifier"
            if self.columns[self.target].type in ("category", "boolean")
            else ("regressor")
        )

    @property
    def labels(self) -> tuple[Any, ...]:
        """The classes in the order of the task file; empty for a regressor."""
        target = self.columns[self.target]
        if self.kind == "regressor":
            return ()
        return target.values or (False, True)

    @property
    def positive(self) -> Any:
        """The last class: of two the one that is looked for."""
        return self.labels[-1]

    @property
    def higher_is_better(self) -> bool:
        return DIRECTIONS[self.metric] == "maximize"

    @property
    def features_used(self) -> list[str]:
        """Raw columns that go into the pipeline as they are, in the file's order."""
        kinds = ("float", "integer", "category", "boolean")
        return [
            name
            for name, column in self.columns.items()
            if column.feature
            and name not in (self.target, self.split.column)
            and column.type in kinds
        ]

    @property
    def inputs(self) -> list[str]:
        """Raw columns that a prediction needs: the features, and what derived ones are made of."""
        parts = {name for derived in self.features.values() for name in derived.inputs}
        used = set(self.features_used) | parts
        return [name for name in self.columns if name in used]

    def without(self, names: list[str]) -> "Task":
        """The same task with these columns kept from the pipeline, to see what they are worth.

        Raises:
            ValueError: a name is not a feature of the task, or none would be left.
        """
        unknown = [name for name in names if name not in self.features_used]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a feature; there are {self.features_used}")
        columns = {
            name: column.model_copy(update={"feature": column.feature and name not in names})
            for name, column in self.columns.items()
        }
        derived = {
            name: spec for name, spec in self.features.items() if not set(spec.inputs) & set(names)
        }
        less = self.model_copy(update={"columns": columns, "features": derived})
        if not less.features_used and not derived:
            raise ValueError(f"nothing is left to learn from without {', '.join(names)}")
        return less

    @model_validator(mode="after")
    def names_fit(self) -> Self:
        if self.name in RESERVED_TASKS:
            raise Located(("name",), self.name, f"any name but {sorted(RESERVED_TASKS)}")
        folded: dict[str, str] = {}
        for name in self.columns:
            check_column_name(name, folded)
        places: list[tuple[tuple[Any, ...], str | None]] = [
            (("target",), self.target),
            (("split", "column"), self.split.column),
        ]
        listed = self.source.batches.columns if self.source.batches else ()
        places += [(("source", "batches", "columns", at), named) for at, named in enumerate(listed)]
        for index, rule in enumerate(self.cleaning.rules):
            places += [
                (("cleaning", "rules", index, side), getattr(rule, side))
                for side in ("left", "right")
            ]
        for feature, derived in self.features.items():
            places += [(("features", feature), part) for part in derived.inputs]
        for loc, named in places:
            if named is not None and named not in self.columns:
                raise Located(loc, named, f"one of the columns {brief(self.columns)}")
        return self

    @model_validator(mode="after")
    def rules_fit(self) -> Self:
        for index, rule in enumerate(self.cleaning.rules):
            left, right = self.columns[rule.left].type, self.columns[rule.right].type
            if COMPARES_AS[left] != COMPARES_AS[right]:
                raise Located(
                    ("cleaning", "rules", index),
                    f"{left} {rule.is_} {right}",
                    "two numbers, two dates or two texts",
                )
        return self

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        for name, derived in self.features.items():
            if name in self.columns:
                raise Located(("features", name), name, "a name that no column has")
            for part in derived.inputs:
                if self.columns[part].type not in derived.accepts:
                    raise Located(
                        ("features", name),
                        f"{part} ({self.columns[part].type})",
                        f"a column of type {' or '.join(derived.accepts)}",
                    )
        target = self.columns[self.target]
        if not target.required:
            raise Located(("columns", self.target, "required"), False, "true, for the target")
        if target.type in ("text", "date"):
            raise Located(
                ("target",),
                f"{self.target} ({target.type})",
                "a category, boolean, float or integer column",
            )
        if any(self.target in derived.inputs for derived in self.features.values()):
            raise Located(("features",), self.target, "columns other than the target")
        if not self.features_used and not self.features:
            raise Located(("columns",), "no feature", "at least one column with feature: true")
        return self

    @model_validator(mode="after")
    def learning_fits(self) -> Self:
        binary = len(self.labels) == 2
        allowed = [*METRICS[self.kind], *(BINARY if binary else ())]
        if self.threshold and not binary:
            raise Located(("threshold",), f"a target of {len(self.labels)} classes", "two classes")
        if self.metric not in allowed:
            raise Located(("metric",), self.metric, f"for a {self.kind} one of {allowed}")
        if self.direction not in (None, DIRECTIONS[self.metric]):
            raise Located(
                ("direction",),
                self.direction,
                f"{DIRECTIONS[self.metric]} for {self.metric}, or leave it out",
            )
        for key, bounds in (("minimum", self.gate.minimum), ("change", self.gate.change)):
            for name in bounds:
                if name not in allowed:
                    raise Located(("gate", key, name), name, f"one of {allowed}")
        for name in self.gate.segments:
            if name not in self.columns or self.columns[name].type in ("text", "date"):
                raise Located(
                    ("gate", "segments", name), name, "a category, boolean, float or integer column"
                )
        check_checks(self, allowed)
        for name, candidates in self.candidates.items():
            self._check_family(name, candidates)
        return self

    @model_validator(mode="after")
    def logarithm_fits(self) -> Self:
        if not self.target_transform:
            return self
        if self.kind == "classifier":
            raise Located(("target_transform",), "log", "a target that is a number")
        lowest = (self.columns[self.target].range or (0.0,))[0]
        if lowest <= 0:
            raise Located(
                ("columns", self.target, "range"),
                self.columns[self.target].range,
                "a lower bound above 0, because target_transform is log",
            )
        return self

    def _check_family(self, name: str, candidates: Candidates) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name):
            raise Located(("candidates", name), name, "lower-case letters, digits and _")
        allowed = self._parameters_of(name, candidates.estimator)
        if allowed is None:  # cannot be known without its library, which is not installed
            return
        for key in candidates.fixed:
            if key not in allowed:
                raise Located(("candidates", name, "fixed", key), key, f"one of {brief(allowed)}")
        for index, parameters in enumerate(candidates.sets):
            for key in parameters:
                if key not in allowed:
                    raise Located(
                        ("candidates", name, "sets", index, key), key, f"one of {brief(allowed)}"
                    )

    def _parameters_of(self, name: str, estimator: str | None) -> tuple[str, ...] | None:
        known = [family for family, spec in FAMILIES.items() if spec.supports(self.kind)]
        if estimator is None:
            if name not in known:
                raise Located(
                    ("candidates", name),
                    name,
                    f"for a {self.kind} one of {', '.join(known)}, or a name of yours "
                    "with estimator: sklearn.…",
                )
            return FAMILIES[name].parameters(self.kind)
        try:
            fits = kind_of(estimator) == self.kind
        except ValueError:
            fits = False
        if not fits:
            raise Located(
                ("candidates", name, "estimator"),
                estimator,
                f"a {self.kind} of scikit-learn, such as sklearn.ensemble.ExtraTrees"
                f"{self.kind.capitalize()}",
            )
        return estimator_parameters(estimator)
