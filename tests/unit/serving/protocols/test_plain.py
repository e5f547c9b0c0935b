"""What is plainly valid is what the validator says, only sooner."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.protocols.models import FLAT_FIELDS, IGNORED, NUMBER_FIELDS, PENGUIN_FIELDS

from rookery.core.records import InvalidRecords, RecordField, RecordReader
from rookery.serving.protocols.plain import FEW, plain_rows
from rookery.serving.protocols.rows import Columns, as_records

FLAT = {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01", "district": "Süd"}
COUNT = FEW + 2
READERS = {
    strict: RecordReader(FLAT_FIELDS, ignored=IGNORED, strict=strict) for strict in (True, False)
}
VALUES = st.one_of(
    st.sampled_from(
        [None, True, False, 0, 3, -1, 3.0, 3.5, 1e308, -1e308, float("nan"), float("inf"), 10**400,
         2**53, 2**53 + 1, "", "3", "true", "Süd", "Nord", "June", "1987-06-01",
         "1987-06-01T12:00:00+02:00", "0001-01-01T00:00:00+14:00", [], {}, [1.0]]
    ),
    st.floats(), st.integers(), st.text(max_size=3), st.dates().map(str),
)  # fmt: skip


def validated(records: list[Any], *, strict: bool) -> list[Any] | None:
    """The rows as the validator reads them; None where it refuses one."""
    try:
        return READERS[strict].rows(records)
    except InvalidRecords:
        return None


def told(rows: list[Any]) -> list[Any]:
    return [[(type(value), value) for value in row] for row in rows]


def test_plain_rows_are_in_the_order_of_the_fields() -> None:
    turned = dict(reversed(FLAT.items())) | {"year": 2007}
    expected = (80.5, 3, True, datetime(1987, 6, 1), "Süd")
    assert plain_rows([turned] * COUNT, FLAT_FIELDS, IGNORED) == [expected] * COUNT
    columns = Columns({name: [value] * COUNT for name, value in turned.items()}, COUNT)
    assert plain_rows(columns, FLAT_FIELDS, IGNORED) == [expected] * COUNT


def test_what_may_be_missing_may_be_left_out_or_none() -> None:
    records: list[dict[str, Any]] = [{"area_m2": 1, "rooms": None, "district": "Nord"}] * COUNT
    records[3] = records[3] | {"rooms": 4}
    rows = plain_rows(records, FLAT_FIELDS, IGNORED)
    assert rows is not None
    assert rows[2] == (1.0, None, None, None, "Nord")
    assert rows[3] == (1.0, 4, None, None, "Nord")


@pytest.mark.parametrize(
    "change",
    [
        {"area_m2": None},
        {"area_m2": True},
        {"area_m2": "80.5"},
        {"area_m2": float("nan")},
        {"area_m2": float("inf")},
        {"area_m2": 10**400},
        {"rooms": 3.5},
        {"rooms": 2**53 + 1},
        {"balcony": 1},
        {"built": "June"},
        {"built": 5},
        {"district": "Sud"},
        {"district": []},
        {"year": float("nan")},
        {"more": 1},
    ],
    ids=repr,
)
def test_one_wrong_value_leaves_all_to_the_validator(change: dict[str, Any]) -> None:
    records = [FLAT | dict.fromkeys(change, 1)] * COUNT if "year" in change else [FLAT] * COUNT
    records[5] = records[5] | change
    assert plain_rows(records, FLAT_FIELDS, IGNORED) is None
    columns = Columns({name: [r.get(name) for r in records] for name in records[5]}, COUNT)
    assert plain_rows(columns, FLAT_FIELDS, IGNORED) is None


@pytest.mark.parametrize("value", [19.9, 80.1])
def test_a_number_out_of_range_is_left_to_the_validator(value: float) -> None:
    fields = [PENGUIN_FIELDS[1], RecordField("whole", "integer", range=(2, 5))]
    records = [{"bill_length_mm": 20.0, "whole": 2}, {"bill_length_mm": 80, "whole": 5}] * COUNT
    assert plain_rows(records, fields, ()) == [(20.0, 2), (80.0, 5)] * COUNT
    assert plain_rows([*records, {"bill_length_mm": value, "whole": 2}], fields, ()) is None
    outside = {"bill_length_mm": 20.0, "whole": round(value)}
    assert plain_rows([*records, outside], fields, ()) is None


def test_a_whole_number_beyond_float64_is_left_to_the_validator() -> None:
    fields = [RecordField("whole", "integer", range=(-(2**60), 2**60)), NUMBER_FIELDS[0]]
    assert plain_rows([{"whole": 2**53, "a": 1.0}] * COUNT, fields, ()) is not None
    for whole in (2**53 + 1, -(2**53) - 1):
        assert plain_rows([{"whole": whole, "a": 1.0}] * COUNT, fields, ()) is None


@pytest.mark.parametrize("records", [[], [5] * COUNT, [{}] * COUNT, [{"a": 1.0}] * (FEW - 1)])
def test_what_is_no_table_is_left_to_the_validator(records: Any) -> None:
    assert plain_rows(records, NUMBER_FIELDS, ()) is None


@settings(max_examples=300)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys([*FLAT, *IGNORED], VALUES)), max_size=2
    ),
    st.booleans(),
)
def test_plain_rows_are_what_the_validator_reads(changes: list[Any], as_columns: bool) -> None:
    records = [FLAT] * COUNT + [FLAT | change for change in changes]
    if as_columns:
        names = {name for record in records for name in record}
        values = {name: [record.get(name) for record in records] for name in names}
        records = as_records(sent := Columns(values, len(records)))
    rows = plain_rows(sent if as_columns else records, FLAT_FIELDS, IGNORED)
    if rows is not None:
        for strict in (True, False):
            assert told(rows) == told(validated(records, strict=strict) or [])
