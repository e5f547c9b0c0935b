"""Values as sources write them: money, percent, dates in other forms, quotes, other names."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rookery.core.cells import read_text
from rookery.core.cleaning import check_columns, task_names
from rookery.core.records import RecordField
from rookery.core.sections import Column
from rookery.core.values import bare, read_date, with_point
from rookery.errors import InputError


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "expected"),
    [
        ("1,200.50", ".", ",", "1200.50"),
        ("1,234,567", ".", ",", "1234567"),
        ("1200", ".", ",", "1200"),
        ("1.200,50", ",", ".", "1200.50"),
        ("-3,5", ",", None, "-3.5"),
        ("1 200,5", ",", " ", "1200.5"),
        ("1\u202f200,5", ",", " ", "1200.5"),
        ("1'200", ".", "'", "1200"),
        (",5", ",", None, ".5"),
        ("1,2e3", ",", None, "1.2e3"),
        ("1,20.5", ".", ",", None),
        ("12,00", ".", ",", None),
        ("1.5", ",", None, None),
        ("1,2,3", ",", None, None),
        ("", ",", None, None),
        ("\u0663,\u0665", ",", None, None),
    ],
)
def test_a_number_is_read_by_the_marks_of_its_column(text, decimal, thousands, expected):
    assert with_point(text, decimal, thousands) == expected


@pytest.mark.parametrize(
    ("text", "strip", "expected"),
    [
        ("$1,200", ["$"], "1,200"),
        ("-$5", ["$"], "-5"),
        ("$ -5", ["$"], "-5"),
        ("US$5", ["$", "US$"], "5"),
        (" 85 % ", ["%"], "85"),
        ("'Suburb'", ["'"], "Suburb"),
        ("it's", ["'"], "it's"),
        ("'", ["'"], ""),
        (" a\nb ", [], "a\nb"),
        ("'a\nb'", ["'"], "a\nb"),
    ],
)
def test_what_stands_around_a_value_is_dropped(text, strip, expected):
    assert bare(text, strip) == expected


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_no_text_breaks_the_stripping(text, strip):
    assert len(bare(text, strip)) <= len(text)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("21/11/2026", "%d/%m/%Y", "2026-11-21T00:00:00"),
        ("11/21/2026 08:30", "%m/%d/%Y %H:%M", "2026-11-21T08:30:00"),
        ("2026-11-21", "%d/%m/%Y", None),
        ("31/02/2026", "%d/%m/%Y", None),
    ],
)
def test_a_date_is_read_in_the_form_of_its_column_and_in_no_other(text, form, expected):
    found = read_date(text, form)
    assert (found.isoformat() if found else None) == expected


COLUMNS = {
    "price": {"type": "float", "strip": ["€"], "decimal": ",", "thousands": "."},
    "share": {"type": "float", "strip": ["%"]},
    "rooms": {"type": "integer", "thousands": ","},
    "sold": {"type": "date", "format": "%d/%m/%Y"},
    "place": {"type": "category", "values": ["Suburb", "Rural"], "strip": ["'"]},
    "new": {"type": "boolean", "replace": {"sí": "yes"}},
}
AS_WRITTEN = {
    "price": "1.200,50 €",
    "share": "85%",
    "rooms": "1,002",
    "sold": "21/11/2026",
    "place": "'Suburb'",
    "new": "sí",
}


def test_cleaning_reads_what_the_columns_say_of_their_form(make_task, clean):
    done = clean(pd.DataFrame([AS_WRITTEN | {"y": "p"}]), make_task(COLUMNS))
    assert done.reasons.empty
    assert done.clean.iloc[0].to_dict() == {
        "price": 1200.5,
        "share": 85.0,
        "rooms": 1002.0,
        "sold": pd.Timestamp("2026-11-21"),
        "place": "Suburb",
        "new": 1.0,
        "y": "p",
    }


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("price", "1.5", "price: '1.5' is not a finite number"),
        ("price", "1,5 $", "price: '1,5 $' is not a finite number"),
        ("rooms", "1,02", "rooms: '1,02' is not a whole number within 2^53"),
        ("sold", "2026-11-21", "sold: '2026-11-21' is not a date written as %d/%m/%Y"),
        ("place", "'Moon'", "place: 'Moon' is not one of Suburb, Rural"),
    ],
)
def test_another_form_is_refused_with_the_value_as_it_is_written(
    make_task, clean, name, value, reason
):
    done = clean(pd.DataFrame([AS_WRITTEN | {"y": "p", name: value}]), make_task(COLUMNS))
    assert done.reasons.tolist() == [reason]


def test_numbers_that_come_as_numbers_need_no_marks(make_task, clean):
    task = make_task({"a": {"type": "float", "decimal": ",", "thousands": "."}})
    done = clean(pd.DataFrame({"a": [1.125, 1200.5], "y": ["p", "q"]}), task)
    assert done.clean["a"].tolist() == [1.125, 1200.5]


def test_a_file_of_records_is_read_as_cleaning_reads_it(make_task):
    task = make_task(COLUMNS)
    fields = [RecordField(name, column.type) for name, column in task.columns.items()]
    assert read_text(AS_WRITTEN, fields, task) == {
        "price": 1200.5,
        "share": 85.0,
        "rooms": 1002,
        "sold": "2026-11-21T00:00:00",
        "place": "Suburb",
        "new": True,
    }
    odd = read_text({"price": "1.5", "sold": "2026-11-21"}, fields, task)
    assert all(isinstance(value, str) and value.startswith("'") for value in odd.values())


def test_a_column_may_have_another_name_in_its_source(make_task):
    long = "the length of the upper ridge of the bill as measured by calliper, in mm"
    task = make_task(
        {
            "bill": {"type": "float", "source_name": long},
            "index": {"type": "integer", "source_name": ""},
            "Sex_2": {"type": "text", "source_name": "sex"},
            "Sex": {"type": "text"},
            "batch_id_2": {"type": "text", "source_name": "batch_id"},
        }
    )
    names = ["", long, "Sex", "sex", "batch_id", " y "]
    assert task_names(names, task) == ["index", "bill", "Sex", "Sex_2", "batch_id_2", "y"]
    check_columns(names, task)
    with pytest.raises(InputError, match="more than one column y"):
        check_columns([*names, "y"], task)


@pytest.mark.parametrize(
    "keys",
    [
        {"type": "text", "decimal": ","},
        {"type": "date", "thousands": ","},
        {"type": "float", "thousands": "."},
        {"type": "float", "decimal": ",", "thousands": ","},
        {"type": "float", "format": "%d/%m/%Y"},
        {"type": "date", "format": "%d/%m"},
        {"type": "date", "format": "DD/MM/YYYY"},
        {"type": "date", "format": ""},
        {"type": "text", "strip": [""]},
    ],
)
def test_a_form_that_cannot_be_meant_is_refused(keys):
    with pytest.raises(ValidationError):
        Column.model_validate(keys)
