"""What is read off the ledger's rows."""

import pytest

from rookery.stores.ledger import ROLLBACK, Entry, last_served, pending, previous_version


def entries(*steps: tuple[str | None, str | None, str, str]) -> list[Entry]:
    return [
        Entry(number, "penguins", start, end, outcome, reason, {}, "me", "2026-01-01T00:00:00Z", "")
        for number, (start, end, outcome, reason) in enumerate(steps, start=1)
    ]


FIRST = (None, "1", "done", "first")
SECOND = ("1", "2", "done", "better")
THIRD = ("2", "3", "done", "better")
BACK_TO_2 = ("3", "2", "done", ROLLBACK)
BACK_TO_1 = ("2", "1", "done", ROLLBACK)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([FIRST], None),
        ([FIRST, SECOND], "1"),
        ([FIRST, SECOND, THIRD], "2"),
        ([FIRST, SECOND, THIRD, BACK_TO_2], "1"),
        ([FIRST, SECOND, THIRD, BACK_TO_2, BACK_TO_1], None),
        ([FIRST, SECOND, THIRD, BACK_TO_2, ("2", "3", "done", "again")], "2"),
        ([FIRST, SECOND, ("2", "9", "external", "found")], "2"),
        ([FIRST, ("1", "2", "refused", "worse"), ("1", "2", "failed", "died")], None),
        ([FIRST, SECOND, ("2", None, "pending", "promotion")], "1"),
        ([FIRST, SECOND, ("2", "2", "external", "found")], "1"),
    ],
)
def test_a_rollback_goes_one_promotion_down(steps, expected):
    assert previous_version(entries(*steps)) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([("1", "2", "refused", "worse")], None),
        ([FIRST, ("1", "2", "failed", "died")], "1"),
        ([FIRST, ("1", "5", "external", "found")], "5"),
    ],
)
def test_the_served_version_is_that_of_the_last_row_that_moved_the_alias(steps, expected):
    assert last_served(entries(*steps)) == expected


def test_the_pending_row_is_found_among_the_ended_ones():
    rows = entries(FIRST, ("1", None, "pending", "promotion"))
    assert pending(rows) == rows[1]
    assert pending(rows[:1]) is None
