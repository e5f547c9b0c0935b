"""Text as the field it is for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from rookery.core.cells import read_text
from rookery.core.records import FieldType, RecordField
from rookery.serving.protocols.texts import MISSING, read_texts

TYPES: list[FieldType] = ["float", "integer", "boolean", "date", "category", "text"]
CELLS = [
    "3", "3.0", "3.5", "-1e3", "1e400", "inf", "true", "NO", "t", "0", "1.0",
    "2001-01-01", "June", "male", "", "NA", "nan", "null", "9" * 5000,
]  # fmt: skip


def read(text: str | None, kind: FieldType, **more: Any) -> Any:
    (value,) = read_texts([text], RecordField("a", kind, **more))
    return value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("39.1", "float", 39.1),
        (" 39.1 ", "float", 39.1),
        ("1_000", "float", "1_000"),
        ("long", "float", "long"),
        (" ", "float", None),
        ("9007199254740993", "integer", 9007199254740993),
        ("3.0", "integer", 3),
        ("3.5", "integer", "3.5"),
        ("0.0", "integer", 0),
        ("1e400", "integer", "1e400"),
        ("1_0", "integer", "1_0"),
        (" ", "integer", None),
        ("True", "boolean", True),
        ("0", "boolean", False),
        ("maybe", "boolean", "maybe"),
        (" ", "boolean", None),
        (" 2001-01-01", "date", "2001-01-01"),
        ("NaT", "date", None),
        (" male", "text", " male"),
        (None, "text", None),
        ("NA", "text", None),
    ],
)
def test_a_text_is_read_by_its_field(text: str | None, kind: FieldType, value: Any) -> None:
    found = read(text, kind)
    assert (found, type(found)) == (value, type(value))


def test_a_category_may_be_called_like_a_gap() -> None:
    assert read("None", "category", values=("None", "Some")) == "None"
    assert read("NA", "category", values=("None", "Some")) is None


def test_what_pandas_takes_for_missing_is_missing() -> None:
    assert STR_NA_VALUES | {"NaT"} == MISSING


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell[:20])
def test_a_cell_is_read_as_the_command_line_reads_it(cell: str, kind: FieldType) -> None:
    field = RecordField("a", kind)
    there = read_text({"a": cell}, [field]).get("a")
    assert read(cell, kind) == there


@given(st.text(), st.sampled_from(TYPES))
def test_any_text_is_read_or_stays(text: str, kind: FieldType) -> None:
    found = read(text, kind)
    assert found is None or found == text or not isinstance(found, str) or kind == "date"
