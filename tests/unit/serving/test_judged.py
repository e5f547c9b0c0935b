"""Outcomes held against the answers of both versions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.serving.test_shadow import counted, loaded_of

from rookery.serving.judged import Judges
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.shadow.follower import ShadowFollower
from rookery.serving.shadow.shadow import Shadow
from rookery.serving.swap import Follower
from rookery.settings import Settings
from rookery.stores.predictions import Prediction


class Court:
    """Version 1 answers and version 2 is its shadow; both as the test says."""

    def __init__(self, place: Path, answering: Loaded | None, shadow: Loaded | None) -> None:
        settings, self.metrics = Settings(rookery_home=place, shadow="challenger"), Metrics()
        follower = Follower("penguins", settings, self.metrics)
        follower.loaded = answering
        other = Shadow(ShadowFollower("penguins", settings, self.metrics), self.metrics)
        other.follower.loaded = shadow
        named = {"penguins": follower}
        self.judges = Judges(named, {"penguins": other}, self.metrics.judged)

    def judge(self, x: Any, said: Any, outcome: Any, model: str = "penguins") -> None:
        found = Prediction("id", datetime.now(UTC), model, "1", {"x": x}, {"prediction": said}, 0.1)
        self.judges.judge(found, outcome)

    def figures(self, version: str, role: str) -> tuple[float, float, float]:
        """Answers, those that were right, and the sum of the errors."""
        names = ("answers", "right", "absolute_error")
        answers, right, errors = (
            counted(self.metrics, f"judged_{name}_total", version=version, role=role)
            for name in names
        )
        return answers, right, errors

    def skipped(self, reason: str) -> float:
        return counted(self.metrics, "shadow_rows_skipped_total", reason=reason)


@pytest.fixture
def classifiers(tmp_path: Path) -> Court:
    return Court(tmp_path, loaded_of("1", 4), loaded_of("2", 6))


def test_of_classifiers_the_right_answers_of_both_are_counted(classifiers: Court) -> None:
    for x, said, outcome in ((1, "a", "a"), (5, "b", "a"), (9, "b", "b")):
        classifiers.judge(x, said, outcome)
    assert classifiers.figures("1", "answered") == (3, 2, 0)
    assert classifiers.figures("2", "shadow") == (3, 3, 0)


@pytest.mark.parametrize("outcome", ["c", 1, True, None, ["a"], float("nan")])
def test_an_outcome_that_is_no_label_judges_nobody(classifiers: Court, outcome: Any) -> None:
    classifiers.judge(1, "a", outcome)
    assert classifiers.figures("1", "answered") == classifiers.figures("2", "shadow") == (0, 0, 0)


def test_of_regressors_the_errors_are_added_up(tmp_path: Path) -> None:
    first, second = (loaded_of(v, at, is_regressor=True) for v, at in (("1", 1), ("2", 3)))
    court = Court(tmp_path, first, second)
    court.judge(10, 9, 8.5)
    court.judge(4, 3, 4)
    for outcome in ("a", True, None, float("inf"), float("nan"), 10**400):
        court.judge(4, 3, outcome)
    assert court.figures("1", "answered") == (2, 0, 1.5)
    assert court.figures("2", "shadow") == (2, 0, 4.5)


def test_a_shadow_without_an_answer_is_counted_as_such_and_the_other_is_judged(
    classifiers: Court,
) -> None:
    classifiers.judge(-1, "a", "a")
    classifiers.judge("much", "a", "a")
    assert classifiers.figures("1", "answered") == (2, 2, 0)
    assert classifiers.figures("2", "shadow") == (0, 0, 0)
    assert (classifiers.skipped("no_answer"), classifiers.skipped("not_comparable")) == (1, 1)


@pytest.mark.parametrize("shadow", [None, loaded_of("1", 4), loaded_of("2", 6, is_regressor=True)])
def test_without_a_shadow_of_the_kind_the_answer_alone_is_judged(
    tmp_path: Path, shadow: Loaded | None
) -> None:
    court = Court(tmp_path, loaded_of("1", 4), shadow)
    court.judge(1, "a", "a")
    assert court.figures("1", "answered") == (1, 1, 0)
    assert court.figures("2", "shadow") == (0, 0, 0)


def test_of_a_model_that_is_not_served_nothing_is_known(tmp_path: Path) -> None:
    court = Court(tmp_path, None, loaded_of("2", 6))
    court.judge(1, "a", "a")
    court.judge(1, "a", "a", model="flats")
    assert court.figures("1", "answered") == (0, 0, 0)


def test_an_answer_that_is_no_finite_number_does_not_spoil_the_sum(tmp_path: Path) -> None:
    endless = loaded_of("2", float("-inf"), is_regressor=True)
    first = loaded_of("1", 1, is_regressor=True)
    court = Court(tmp_path, first, endless)
    court.judge(4, 3, 4)
    assert court.figures("1", "answered") == (1, 0, 1)
    assert court.figures("2", "shadow") == (0, 0, 0)
