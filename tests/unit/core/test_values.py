"""Dates as people write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.values import read_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        ("20240229", datetime(2024, 2, 29)),
        ("2024-01-01 10:30", datetime(2024, 1, 1, 10, 30)),
        ("2024-01-01T00:00:00Z", datetime(2024, 1, 1)),
        ("2024-01-01T00:00:00+02:00", datetime(2023, 12, 31, 22)),
        ("2024-01-01T00:00:00.123456", datetime(2024, 1, 1, 0, 0, 0, 123456)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2023-02-29", None),
        ("31/12/2024", None),
        ("1704067200", None),
        ("2024", None),
        ("now", None),
        ("today", None),
        ("", None),
    ],
)
def test_only_iso_8601_is_a_date(text, expected):
    assert read_date(text) == expected


@given(st.text())
def test_no_text_breaks_the_reading(text):
    assert read_date(text) is None or read_date(text).tzinfo is None


@given(st.datetimes())
def test_what_was_written_is_read_again(moment):
    assert read_date(moment.isoformat()) == moment
