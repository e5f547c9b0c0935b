"""Attempts in a real database: one at a time, whoever asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from rookery.errors import Unavailable
from rookery.stores.ledger import Ledger
from rookery.stores.owners import this_process


@pytest.fixture
def ledger(database: str) -> Ledger:
    return Ledger(database)


def outcomes(ledger: Ledger) -> list[tuple[str | None, str | None, str]]:
    return [(e.from_version, e.to_version, e.outcome) for e in ledger.entries("penguins")]


def test_a_ledger_that_was_never_written_has_no_rows(ledger):
    assert ledger.entries("penguins") == []


def test_an_attempt_is_pending_until_it_is_closed(ledger):
    entry = ledger.begin("penguins", "1", "promotion")
    ledger.aim(entry, "1", "2", {"accuracy": 0.5})
    assert outcomes(ledger) == [("1", "2", "pending")]
    ledger.close(entry, "done", "better")
    (row,) = ledger.entries("penguins")
    assert row.as_dict() | {"at": "", "who": ""} == {
        "id": entry,
        "task": "penguins",
        "from": "1",
        "to": "2",
        "outcome": "done",
        "reason": "better",
        "metrics": {"accuracy": 0.5},
        "who": "",
        "at": "",
    }
    assert row.at.endswith("Z")
    assert "@" in row.who
    assert row.owner == this_process()


def test_a_second_attempt_on_the_same_task_has_to_wait(ledger):
    first = ledger.begin("penguins", None, "promotion")
    assert ledger.begin("penguins", None, "promotion") is None
    assert ledger.begin("houses", None, "promotion") is not None
    ledger.close(first, "failed", "died")
    assert ledger.begin("penguins", None, "promotion") is not None


def test_of_many_attempts_at_the_same_time_one_begins(database):
    with ThreadPoolExecutor(8) as pool:
        begun = list(
            pool.map(lambda _: Ledger(database).begin("penguins", None, "promotion"), range(24))
        )
    assert len([entry for entry in begun if entry is not None]) == 1
    assert outcomes(Ledger(database)) == [(None, None, "pending")]


def test_an_attempt_that_was_given_up_may_not_aim_any_more(ledger):
    entry = ledger.begin("penguins", "1", "promotion")
    ledger.close(entry, "failed", "took too long")
    with pytest.raises(Unavailable, match="given up"):
        ledger.aim(entry, "1", "2", {})
    ledger.close(entry, "done", "after all")
    assert outcomes(ledger) == [("1", None, "failed")]


def test_an_attempt_that_is_under_way_or_closed_is_not_abandoned(ledger):
    entry = ledger.begin("penguins", "1", "promotion")
    (row,) = ledger.entries("penguins")
    assert not ledger.abandoned(row)
    ledger.close(entry, "done", "better")
    assert not ledger.abandoned(row)


def test_only_a_pending_row_can_be_taken_back(ledger):
    kept = ledger.begin("penguins", None, "promotion")
    ledger.close(kept, "done", "first")
    ledger.remove(kept)
    ledger.remove(ledger.begin("penguins", "1", "promotion"))
    assert outcomes(ledger) == [(None, None, "done")]


def test_rows_are_those_of_one_task_in_the_order_they_were_written(ledger):
    for number in ("1", "2", "3"):
        ledger.record("penguins", None, number, "refused", "worse", {"accuracy": 0.1})
        ledger.record("houses", None, number, "refused", "worse")
    assert [entry.to_version for entry in ledger.entries("penguins")] == ["1", "2", "3"]
    assert ledger.entries("penguins")[0].metrics == {"accuracy": 0.1}
