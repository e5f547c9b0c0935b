"""Records are typed by the model's fields; whatever is wrong is told, never raised bare."""

import json
import math
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.cells import read_text
from rookery.core.cleaning import clean_rows
from rookery.core.fields import fields_of
from rookery.core.frames import frame_of
from rookery.core.records import InvalidRecords, RecordField, RecordReader

FIELDS = (
    RecordField("f", "float", range=(0, 100), unit="mm", description="Wing", example=12.5),
    RecordField("i", "integer", range=(0.5, 9.5), example=3),
    RecordField("c", "category", values=("ä", "b c"), example="ä"),
    RecordField("b", "boolean", example=True),
    RecordField("t", "text", example="x"),
    RecordField("d", "date", example="2024-01-31"),
    RecordField("o", "float", required=False),
    RecordField("n", "integer", required=False),
)
GOOD = {"f": 1.5, "i": 3, "c": "ä", "b": True, "t": "x", "d": "2024-01-31"}
READER = RecordReader(FIELDS, ignored=["species", "year"])
LAX = RecordReader(FIELDS, strict=False)


def framed(reader, records):
    """Records as the frame that a pipeline gets."""
    return frame_of(reader.fields, reader.rows(records))


def test_records_become_a_frame_in_the_types_of_the_signature():
    frame = framed(
        READER, [GOOD, GOOD | {"o": 2, "n": 7, "f": 2, "d": "2024-01-31T01:00:00+02:00"}]
    )
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "f": "float64",
        "i": "int64",
        "c": "str",
        "b": "bool",
        "t": "str",
        "d": "datetime64[us]",
        "o": "float64",
        "n": "float64",
    }
    assert frame["d"].tolist() == [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-01-30 23:00")]
    assert frame["o"].isna().tolist() == [True, False]
    assert frame.iloc[1][["f", "o", "n"]].tolist() == [2.0, 2.0, 7.0]


@pytest.mark.parametrize("reader", [READER, LAX])
def test_a_whole_number_may_be_written_with_a_point(reader):
    assert framed(reader, [GOOD | {"i": 3.0, "n": 2.0}])[["i", "n"]].iloc[0].tolist() == [3, 2]


def test_no_records_are_an_empty_frame_of_the_same_types():
    assert framed(READER, []).dtypes.to_dict() == framed(RecordReader(FIELDS), []).dtypes.to_dict()
    assert list(framed(READER, []).columns) == [field.name for field in FIELDS]


def test_a_raw_row_may_carry_columns_that_the_model_does_not_use():
    assert "species" not in framed(READER, [GOOD | {"species": "Adelie", "year": [1]}])
    with pytest.raises(InvalidRecords, match="species is not a field"):
        framed(LAX, [GOOD | {"species": "Adelie"}])


def test_missing_and_null_are_the_same_for_what_is_not_required():
    pd.testing.assert_frame_equal(framed(READER, [GOOD | {"o": None}]), framed(READER, [GOOD]))


REFUSED = [
    # field, value, what is allowed
    ("f", "1.5", "a number from 0 to 100 mm"),
    ("f", True, "a number from 0 to 100 mm"),
    ("f", None, "a number from 0 to 100 mm"),
    ("f", -0.1, "a number from 0 to 100 mm"),
    ("f", 10**400, "a number from 0 to 100 mm"),
    ("f", math.nan, "a number from 0 to 100 mm"),
    ("f", math.inf, "a number from 0 to 100 mm"),
    ("o", math.inf, "a number, or nothing"),
    ("i", 3.5, "a whole number from 0.5 to 9.5"),
    ("i", 10, "a whole number from 0.5 to 9.5"),
    ("i", 0, "a whole number from 0.5 to 9.5"),
    ("i", "3", "a whole number from 0.5 to 9.5"),
    ("n", 2**53 + 1, "a whole number, or nothing"),
    ("c", "Ä", "one of ä, b c"),
    ("c", ["ä"], "one of ä, b c"),
    ("b", 1, "true or false"),
    ("b", "true", "true or false"),
    ("t", 5, "text"),
    ("t", "\ud800", "text"),
    ("d", 20240131, "a date in ISO 8601 form"),
    ("d", 0, "a date in ISO 8601 form"),
    ("d", "1704067200", "a date in ISO 8601 form"),
    ("d", "2024-02-30", "a date in ISO 8601 form"),
    ("d", "0001-01-01T00:00:00+14:00", "a date in ISO 8601 form"),
    ("d", {"year": 2024}, "a date in ISO 8601 form"),
    ("extra", 1, "the fields f, i, c, b, t, d, o, n"),
    ("\ud800", 1, "the fields f, i, c, b, t, d, o, n"),
    ("f0", 1, "the fields f, i, c, b, t, d, o, n"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), REFUSED)
def test_a_value_that_is_not_allowed_is_told_with_what_is(name, value, allowed):
    with pytest.raises(InvalidRecords) as caught:
        framed(READER, [GOOD | {name: value}])
    (fault,) = caught.value.faults
    assert fault.allowed == allowed
    assert allowed in fault.message
    if name.isascii():
        assert fault.field == name
        assert fault.message.startswith(name)
    json.dumps(fault.as_dict(), allow_nan=False, ensure_ascii=False).encode()


def test_a_field_that_is_missing_is_told():
    with pytest.raises(InvalidRecords, match="c is missing; allowed: one of ä, b c"):
        framed(READER, [{name: value for name, value in GOOD.items() if name != "c"}])


@pytest.mark.parametrize("record", [None, 1, "text", [], [GOOD]])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(InvalidRecords, match=r"^1\.record: .* is not allowed"):
        framed(READER, [GOOD, record])


def test_every_fault_of_every_record_is_told_with_its_place():
    with pytest.raises(InvalidRecords) as caught:
        framed(READER, [GOOD, GOOD | {"f": -1, "c": "?"}, GOOD | {"b": None}])
    assert [fault.field for fault in caught.value.faults] == ["1.f", "1.c", "2.b"]
    assert [fault.value for fault in caught.value.faults] == [-1, "?", None]


def test_text_is_converted_only_where_that_is_allowed():
    text = {"f": "1.5", "i": "3", "b": "true"}
    pd.testing.assert_frame_equal(framed(LAX, [GOOD | text]), framed(LAX, [GOOD]))
    with pytest.raises(InvalidRecords) as caught:
        framed(READER, [GOOD | text])
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 1, 31),
        datetime(2024, 1, 31, tzinfo=UTC),
        "2024-01-31T00:00:00Z",
        "20240131",
    ],
)
@pytest.mark.parametrize("reader", [READER, LAX])
def test_a_date_may_be_an_object_of_python_or_iso_text(reader, moment):
    assert framed(reader, [GOOD | {"d": moment}])["d"].tolist() == [pd.Timestamp("2024-01-31")]


def test_a_date_is_read_alike_when_rows_are_cleaned_and_when_a_model_is_asked(make_task, clean):
    task = make_task({"d": {"type": "date", "required": True}, "n": {"type": "integer"}})
    reader = RecordReader([RecordField("d", "date")])
    for text in [
        "2024-01-31",
        "20240131",
        "2024-01-31T10:00:00.5+02:00",
        "1999",
        "31.1.2024",
        "now",
    ]:
        cleaned = clean(pd.DataFrame({"d": [text], "n": [1], "y": ["p"]}), task).clean
        try:
            asked = framed(reader, [{"d": text}])["d"].tolist()
        except InvalidRecords:
            asked = []
        assert asked == cleaned["d"].tolist(), text


# json.loads lets half of a surrogate pair through
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
NEARLY = st.dictionaries(
    st.sampled_from([f.name for f in FIELDS] + ["year", "x"]), JSON, max_size=4
)


@settings(max_examples=80)
@given(records=st.lists(JSON | NEARLY.map(lambda changes: GOOD | changes), max_size=4))
@pytest.mark.parametrize("reader", [READER, LAX], ids=["strict", "lax"])
def test_no_json_raises_anything_but_invalid_records(reader, records):
    try:
        frame = framed(reader, records)
    except InvalidRecords as error:
        told = [fault.as_dict() for fault in error.faults]
        assert told
        json.dumps([told, str(error)], allow_nan=False, ensure_ascii=False).encode()
    else:
        assert len(frame) == len(records)
        assert frame["f"].between(0, 100).all()


def test_the_schema_of_a_record_says_what_is_allowed_and_takes_its_example():
    schema = READER.schema()
    assert set(schema["required"]) == set(GOOD)
    assert schema["additionalProperties"] is False
    f, c = schema["properties"]["f"], schema["properties"]["c"]
    assert (f["minimum"], f["maximum"], f["unit"], f["description"]) == (0, 100, "mm", "Wing [mm]")
    assert c["enum"] == ["ä", "b c"]
    assert schema["properties"]["d"]["format"] == "date-time"
    assert "Not used by the model" in schema["properties"]["year"]["description"]
    fields = schema["properties"].items()
    example = {name: said["examples"][0] for name, said in fields if said.get("examples")}
    assert example == GOOD | {"f": 12.5}
    assert len(framed(READER, [example])) == 1


@pytest.mark.parametrize(
    "name",
    [
        "model_config",
        "class",
        "f0",
        "a b",
        "Größe",
        "__init__",
        "json",
        'x"; DROP TABLE y; --',
        "copy",
        "_private",
    ],
)
def test_a_field_of_any_name_is_read(name):
    assert framed(RecordReader([RecordField(name, "float")]), [{name: 1.0}])[name].tolist() == [1.0]


def test_fields_take_what_the_task_says_and_keep_the_type_of_unknown_columns(penguins):
    inputs = [("bill_length_mm", "float", True), ("sex", "text", True), ("petals", "float", False)]
    found = fields_of(inputs, penguins, {"sex": "male", "petals": 2.0})
    assert found[0] == RecordField(
        "bill_length_mm",
        "float",
        True,
        None,
        (20.0, 80.0),
        "mm",
        "Length of the bill along its upper ridge",
        None,
    )
    assert (found[1].type, found[1].values, found[1].example) == (
        "category",
        ("female", "male"),
        "male",
    )
    assert found[2] == RecordField("petals", "float", False, example=2.0)
    assert fields_of(inputs[:1], None, {}) == (RecordField("bill_length_mm", "float"),)


@pytest.mark.parametrize(
    ("name", "kind", "stored", "shown"),
    [
        ("n", "integer", 2007.0, 2007),
        ("b", "boolean", 1.0, True),
        ("f", "float", math.nan, None),
        ("d", "date", "NaT", None),
        ("t", "text", "NaN is text", "NaN is text"),
    ],
)
def test_an_example_stored_beside_gaps_is_shown_as_a_record_holds_it(name, kind, stored, shown):
    (field,) = fields_of([(name, kind, False)], None, {name: stored})
    assert field.example == shown
    assert type(field.example) is type(shown)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("f", " 1.5 ", 1.5),
        ("f", "tall", "tall"),
        ("f", "1e400", math.inf),
        ("f", "NA", None),
        ("i", "3", 3),
        ("i", "3.0", 3),
        ("i", "3.5", "3.5"),
        ("i", "1e999", "1e999"),
        ("i", "nan", None),
        ("b", "TRUE", True),
        ("b", "no", False),
        ("b", "0", False),
        ("b", "maybe", "maybe"),
        ("c", "b c", "b c"),
        ("c", "", None),
        ("t", "007", "007"),
        ("d", "2024-01-31", "2024-01-31"),
        ("unknown", "1", "1"),
    ],
)
def test_cells_of_a_csv_are_read_as_their_fields_and_the_rest_is_left_to_be_refused(
    name, text, value
):
    expected = {} if value is None else {name: value}
    assert read_text({name: text}, FIELDS) == expected


def test_raw_rows_given_as_text_are_read_like_the_cleaned_ones(raw_penguins, penguins):
    cleaned = clean_rows(raw_penguins, penguins, pd.Series([], dtype="uint64").to_numpy()).clean
    inputs = [(name, "float", True) for name in penguins.inputs]
    fields = fields_of(inputs, penguins, {})
    reader = RecordReader(fields, ignored=["species", "year"])
    rows = raw_penguins.loc[cleaned.index].astype(str).to_dict("records")
    frame = framed(reader, [read_text(row, fields) for row in rows])
    pd.testing.assert_frame_equal(frame, cleaned[penguins.inputs].reset_index(drop=True))


def test_a_cell_is_replaced_and_missing_as_the_task_says_for_cleaning(penguins):
    fields = fields_of([("sex", "text", True), ("body_mass_g", "float", True)], penguins, {})
    assert read_text({"sex": " FEMALE ", "body_mass_g": "."}, fields, penguins) == {"sex": "female"}
    assert read_text({"sex": "FEMALE", "body_mass_g": "1"}, fields) == {
        "sex": "FEMALE",
        "body_mass_g": 1.0,
    }
