"""Comparing two versions: what is counted, dropped and left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.serving.served_versions import described

from rookery.core.records import RecordField, Row
from rookery.serving.loaded import Loaded
from rookery.serving.metrics import Metrics
from rookery.serving.predictor.interface import Outcome
from rookery.serving.shadow import shadow as shadow_module
from rookery.serving.shadow.comparing import Answered
from rookery.serving.shadow.follower import ShadowFollower
from rookery.serving.shadow.shadow import Shadow
from rookery.settings import Settings

LETTERS = ("a", "b")


@dataclass
class Stepping:
    """Says "a" up to a limit and "b" above it; for a regressor how far above it is."""

    limit: float
    is_regressor: bool = False
    path, why, classes = "stepping", "", ()

    def predict(self, rows: Sequence[Row]) -> Outcome:
        if any(x < 0 for x, *_ in rows):
            raise ValueError(f"no answer for {rows}")
        if self.is_regressor:
            return Outcome([x - self.limit for x, *_ in rows], None)
        return Outcome(["a" if x <= self.limit else "b" for x, *_ in rows], None)


def loaded_of(
    version: str, limit: float, *fields: RecordField, is_regressor: bool = False
) -> Loaded:
    labels = None if is_regressor else LETTERS
    description = described(version=version, labels=labels)
    description = replace(description, fields=fields or (RecordField("x", "integer"),))
    return Loaded(
        description=description,
        predictor=Stepping(limit, is_regressor),
        reader=description.reader(strict=True),
        via="alias",
        alias="production",
        link=None,
        at=datetime.now(UTC),
        quick_rows=100,
    )


def answered(by: Loaded, *rows: Row) -> Answered:
    return Answered(by, rows, by.predictor.predict(rows).labels)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def shadow(tmp_path: Path, metrics: Metrics) -> Shadow:
    """Without its threads: what it is to compare with is put there by the test."""
    settings = Settings(rookery_home=tmp_path, shadow="challenger")
    return Shadow(ShadowFollower("penguins", settings, metrics), metrics)


def counted(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(name, {"model": "penguins", **labels})
    return found or 0.0


def compared(metrics: Metrics, version: str, by: str) -> tuple[float, float]:
    labels = {"version": version, "shadow": by}
    return (
        counted(metrics, "shadow_rows_total", **labels),
        counted(metrics, "shadow_agreements_total", **labels),
    )


def test_rows_are_counted_with_the_version_that_answered_and_the_one_that_was_scored(
    shadow: Shadow, metrics: Metrics
) -> None:
    first, second = loaded_of("1", 4), loaded_of("2", 6)
    rows = [(x,) for x in range(10)]
    shadow.follower.loaded = second
    shadow.compare(answered(first, *rows))
    assert compared(metrics, "1", "2") == (10, 8)  # 5 and 6 are told apart
    # the champion is swapped, then the challenger
    shadow.compare(answered(loaded_of("3", 9), *rows))
    shadow.follower.loaded = loaded_of("4", 0)
    shadow.compare(answered(first, *rows))
    assert compared(metrics, "1", "2") == (10, 8)
    assert compared(metrics, "3", "2") == (10, 7)
    assert compared(metrics, "1", "4") == (10, 6)


def test_of_regressors_the_differences_are_added_up(shadow: Shadow, metrics: Metrics) -> None:
    shadow.follower.loaded = loaded_of("2", 2.5, is_regressor=True)
    shadow.compare(answered(loaded_of("1", 1, is_regressor=True), (1,), (7,), (9,)))
    labels = {"version": "1", "shadow": "2"}
    assert counted(metrics, "shadow_absolute_difference_total", **labels) == 4.5
    assert counted(metrics, "shadow_rows_total", **labels) == 3


def test_a_version_is_not_compared_with_itself(shadow: Shadow, metrics: Metrics) -> None:
    shadow.follower.loaded = loaded_of("1", 4)
    shadow.compare(answered(loaded_of("1", 4), (1,)))
    assert compared(metrics, "1", "1") == (0, 0)


def test_a_row_that_the_shadow_cannot_answer_harms_no_other(
    shadow: Shadow, metrics: Metrics
) -> None:
    shadow.follower.loaded = loaded_of("2", 6)
    rows = [(1,), (-2,), (9,)]
    shadow.compare(Answered(loaded_of("1", 4), rows, ["a", "a", "b"]))
    assert compared(metrics, "1", "2") == (2, 2)
    assert counted(metrics, "shadow_rows_skipped_total", reason="no_answer") == 1
    assert shadow.trouble is not None
    assert "-2" not in shadow.trouble.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([RecordField("x", "integer"), RecordField("y", "float")], "y; allowed: a number"),
        ([RecordField("z", "float", required=False)], "x; allowed: the fields z"),
        ([RecordField("x", "integer", range=(0, 5))], "x; allowed: a whole number from 0 to 5"),
    ],
)
def test_rows_that_the_shadows_reader_refuses_are_counted_and_their_values_not_told(
    shadow: Shadow, metrics: Metrics, fields: list[RecordField], said: str
) -> None:
    shadow.follower.loaded = loaded_of("2", 6, *fields)
    shadow.compare(answered(loaded_of("1", 4), (777,), (888,)))
    assert compared(metrics, "1", "2") == (0, 0)
    assert counted(metrics, "shadow_rows_skipped_total", reason="not_comparable") == 2
    assert shadow.trouble is not None
    assert shadow.trouble.message == f"version 2 does not take {said}"


def test_rows_with_more_columns_than_the_shadow_uses_are_read_by_its_own_reader(
    shadow: Shadow, metrics: Metrics
) -> None:
    wide = loaded_of("1", 4, RecordField("x", "integer"), RecordField("y", "date"))
    narrow = loaded_of("2", 6)
    reader = type(narrow.reader)(narrow.description.fields, ignored=("y",))
    shadow.follower.loaded = replace(narrow, reader=reader)
    shadow.compare(answered(wide, (1, datetime(2026, 1, 1)), (5, None)))
    assert compared(metrics, "1", "2") == (2, 1)


def test_a_classifier_is_not_compared_with_a_regressor(shadow: Shadow, metrics: Metrics) -> None:
    shadow.follower.loaded = loaded_of("2", 6, is_regressor=True)
    shadow.compare(answered(loaded_of("1", 4), (1,)))
    assert counted(metrics, "shadow_rows_skipped_total", reason="not_comparable") == 1


def test_what_does_not_fit_is_dropped_and_counted(
    shadow: Shadow, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_module, "MOST_ROWS", 5)
    shadow.follower.loaded = loaded_of("2", 6)
    by, three = loaded_of("1", 4), Outcome(["a"] * 3, None)
    for _ in range(4):
        shadow.see(by, [(1,)] * 3, three)
    shadow.see(by, [(1,)] * 2, Outcome(["a"] * 2, None))
    assert shadow.waiting == 5
    assert counted(metrics, "shadow_rows_skipped_total", reason="dropped") == 9


def test_without_a_version_to_compare_with_nothing_is_kept(shadow: Shadow) -> None:
    shadow.see(loaded_of("1", 4), [(1,)], Outcome(["a"], None))
    assert shadow.waiting == 0


def test_what_waits_is_scored_by_a_thread_in_calls_of_few_rows(
    shadow: Shadow, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Noting(Stepping):
        def predict(self, rows: Sequence[Row]) -> Any:
            sizes.append(len(rows))
            return super().predict(rows)

    shadow.follower.loaded = replace(loaded_of("2", 6), predictor=Noting(6))
    by = loaded_of("1", 4)
    for size in (1, 1, 200, 1):
        shadow.see(by, [(1,)] * size, Outcome(["a"] * size, None))
    monkeypatch.setattr(shadow.follower, "start", lambda: None)
    shadow.start()
    for _ in range(2000):
        if not shadow.waiting:
            break
        shadow._stopping.wait(0.01)
    shadow.stop()
    assert compared(metrics, "1", "2") == (203, 203)
    assert max(sizes) == shadow_module.SLICE
