"""docs/tasks.md names every key that a task file can have, and its examples are valid."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter
from ruamel.yaml import YAML

from rookery.core.check_sections import (
    Cells,
    Checks,
    Direction,
    Invariance,
    Missing,
    PerBin,
    PerClass,
    PerSegment,
)
from rookery.core.derived import BinsOf, DatePartOf, Derived
from rookery.core.families import FAMILIES
from rookery.core.metrics import BINARY, METRICS
from rookery.core.sections import (
    Batches,
    Candidates,
    Cleaning,
    Column,
    Cost,
    Drift,
    Gate,
    Retrain,
    Rule,
    Source,
    Split,
    Sql,
    Threshold,
    Web,
    WebFile,
)
from rookery.core.task import Task

GUIDE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
MODELS = [
    Task,
    Source,
    Sql,
    Batches,
    Web,
    WebFile,
    Column,
    Cleaning,
    Rule,
    Derived,
    DatePartOf,
    BinsOf,
]
MODELS += [BinsOf, Split, Threshold, Cost, Gate, Retrain, Drift]
MODELS += [Checks, Invariance, Direction, PerClass, PerBin, PerSegment, Missing, Cells]


def keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@pytest.mark.parametrize("model", [*MODELS, Candidates], ids=lambda model: model.__name__)
def test_every_key_is_explained(model: type[BaseModel]) -> None:
    code = " ".join(re.findall(r"`[^`]+`", GUIDE))
    unnamed = [key for key in keys(model) if not re.search(rf"\b{key}\b", code)]
    assert unnamed == []


def test_the_named_families_and_metrics_are_those_there_are() -> None:
    families = re.search(r"Families for both kinds: (.*?) Any other", GUIDE, re.S)[1]
    metrics = re.search(r"Metrics of classifiers: (.*?)\n\n", GUIDE, re.S)[1]
    parts = re.split(r"for classifiers|for\sregressors", families)
    both, classifiers, regressors = (set(re.findall(r"`(\w+)`", part)) for part in parts)
    assert both | classifiers | regressors == set(FAMILIES)
    assert all(FAMILIES[name].classifier and FAMILIES[name].regressor for name in both)
    assert not any(FAMILIES[name].regressor for name in classifiers)
    assert not any(FAMILIES[name].classifier for name in regressors)
    named = [set(re.findall(r"`(\w+)`", part)) for part in metrics.split("Of regressors")]
    assert named == [{*METRICS["classifier"], *BINARY}, set(METRICS["regressor"])]


@pytest.mark.parametrize("example", re.findall(r"`source: (\{.*\})`", GUIDE))
def test_the_examples_of_sources_are_valid(example: str) -> None:
    Source.model_validate(YAML(typ="safe").load(example))


CHECKS = GUIDE[GUIDE.index("## checks\n") : GUIDE.index("## retrain\n")]
FEATURES = GUIDE[GUIDE.index("## features\n") : GUIDE.index("## split")]


@pytest.mark.parametrize("example", re.findall(r"\| `(\w+: .*)` \|$", CHECKS, re.M))
def test_the_examples_of_checks_are_valid(example: str) -> None:
    Checks.model_validate(YAML(typ="safe").load(example))


@pytest.mark.parametrize("example", re.findall(r"`(\w+: \{.*\})` \|$", FEATURES, re.M))
def test_the_examples_of_features_are_valid(example: str) -> None:
    TypeAdapter(dict[str, Derived]).validate_python(YAML(typ="safe").load(example))
