"""Hostile rows are refused with their reasons; raw = clean + rejected + duplicates, always."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.cleaning import check_columns, clean_rows, read_back, table_schema
from rookery.core.holdout import row_hashes
from rookery.errors import InputError

COLUMNS = {
    "f": {"type": "float", "range": [0, 100]},
    "i": {"type": "integer"},
    "c": {"type": "category", "values": ["ä", "b c"], "replace": {"B C": "b c"}},
    "t": {"type": "text"},
    "b": {"type": "boolean"},
    "d": {"type": "date"},
}
GOOD = {"f": "1.5", "i": "3", "c": "ä", "t": "x", "b": "yes", "d": "2024-01-31", "y": "p"}


@pytest.fixture(scope="module")
def task(make_task):
    rules = [{"left": "f", "is": "<=", "right": "i"}]
    return make_task(COLUMNS, cleaning={"rules": rules})


def adds_up(raw, cleaned):
    assert len(raw) == len(cleaned.clean) + len(cleaned.reasons) + cleaned.duplicates
    assert cleaned.reasons.index.isin(raw.index).all()
    assert not cleaned.clean.index.isin(cleaned.reasons.index).any()
    np.testing.assert_array_equal(cleaned.hashes, row_hashes(cleaned.clean))


def test_of_344_penguins_333_are_clean_and_11_are_not(raw_penguins, penguins, clean):
    cleaned = clean(raw_penguins, penguins)
    assert (len(raw_penguins), len(cleaned.clean), len(cleaned.reasons), cleaned.duplicates) == (
        344,
        333,
        11,
        0,
    )
    complete = raw_penguins.dropna()
    assert cleaned.clean.index.equals(complete.index)
    pd.testing.assert_frame_equal(
        cleaned.clean, complete[list(penguins.columns)], check_dtype=False
    )
    assert cleaned.reasons.value_counts().to_dict() == {
        "sex: missing": 9,
        "bill_length_mm: missing; bill_depth_mm: missing; flipper_length_mm: missing; "
        "body_mass_g: missing; sex: missing": 2,
    }


def test_numbers_given_as_text_clean_to_the_same_rows(raw_penguins, penguins, clean):
    text = raw_penguins.astype(object).where(raw_penguins.notna(), ".").astype(str)
    cleaned, expected = clean(text, penguins), clean(raw_penguins, penguins)
    pd.testing.assert_frame_equal(cleaned.clean, expected.clean)
    pd.testing.assert_series_equal(cleaned.reasons, expected.reasons)
    np.testing.assert_array_equal(cleaned.hashes, expected.hashes)


def test_a_clean_row_is_typed(task, clean):
    cleaned = clean(pd.DataFrame([GOOD]), task)
    assert cleaned.clean.iloc[0].to_dict() == {
        "f": 1.5,
        "i": 3,
        "c": "ä",
        "t": "x",
        "b": 1.0,
        "d": pd.Timestamp("2024-01-31"),
        "y": "p",
    }


REFUSED = [
    # column, raw value, reason
    ("f", "12,5", "f: '12,5' is not a finite number"),
    ("f", "tall", "f: 'tall' is not a finite number"),
    ("f", "inf", "f: 'inf' is not a finite number"),
    ("f", "-Infinity", "f: '-Infinity' is not a finite number"),
    ("f", "1e400", "f: '1e400' is not a finite number"),
    ("f", "0x1F", "f: '0x1F' is not a finite number"),
    ("f", "1_000", "f: '1_000' is not a finite number"),
    ("f", "True", "f: 'True' is not a finite number"),
    ("f", "x" * 999, f"f: '{'x' * 40}…' is not a finite number"),
    ("f", "-0.001", "f: -0.001 is outside 0 to 100"),
    ("f", "100.5", "f: 100.5 is outside 0 to 100"),
    ("f", "4", "f: 4 is not <= i (3)"),
    ("i", "3.5", "i: '3.5' is not a whole number within 2^53"),
    ("i", "9007199254740994", "i: '9007199254740994' is not a whole number within 2^53"),
    ("c", "B", "c: 'B' is not one of ä, b c"),
    ("c", "Ä", "c: 'Ä' is not one of ä, b c"),
    ("c", "'; DROP TABLE x; --", 'c: "\'; DROP TABLE x; --" is not one of ä, b c'),
    ("b", "perhaps", "b: 'perhaps' is not true or false"),
    ("b", "2", "b: '2' is not true or false"),
    ("d", "31/01/2024", "d: '31/01/2024' is not a date in ISO 8601 form"),
    ("d", "2024-02-30", "d: '2024-02-30' is not a date in ISO 8601 form"),
    ("d", "today", "d: 'today' is not a date in ISO 8601 form"),
    ("y", "", "y: missing"),
    ("y", " NA ", "y: missing"),
    ("y", "r", "y: 'r' is not one of p, q"),
]


@pytest.mark.parametrize(("column", "value", "reason"), REFUSED)
def test_a_hostile_value_refuses_its_row_and_no_other(task, clean, column, value, reason):
    raw = pd.DataFrame([GOOD, GOOD | {column: value}, GOOD | {"t": "another"}], index=[7, 8, 9])
    cleaned = clean(raw, task)
    assert cleaned.reasons.to_dict() == {8: reason}
    assert list(cleaned.clean.index) == [7, 9]


ACCEPTED = [
    ("f", " 2.50 ", 2.5),
    ("f", "+1e0", 1.0),
    ("f", "-0", 0.0),
    ("f", "100", 100.0),
    ("f", "nan", None),
    ("i", "3.0", 3),
    ("i", "-5e1", -50),
    ("c", " ä ", "ä"),
    ("c", "B C", "b c"),
    ("c", "NA", None),
    ("t", "  日本語 \u202e ", "日本語 \u202e"),
    ("t", "DROP TABLE raw", "DROP TABLE raw"),
    ("t", "007", "007"),
    ("b", "TRUE", 1.0),
    ("b", "f", 0.0),
    ("b", "0", 0.0),
    ("b", "None", None),
    ("d", "2024-01-31T12:00:00+02:00", pd.Timestamp("2024-01-31 10:00")),
    ("d", "20240131", pd.Timestamp("2024-01-31")),
    ("d", "0001-01-01", pd.Timestamp("0001-01-01")),
    ("d", "null", None),
]


@pytest.mark.parametrize(("column", "value", "expected"), ACCEPTED)
def test_what_people_write_is_read(make_task, clean, column, value, expected):
    cleaned = clean(pd.DataFrame([GOOD | {column: value}]), make_task(COLUMNS))
    assert cleaned.reasons.empty
    found = cleaned.clean[column].iloc[0]
    assert pd.isna(found) if expected is None else found == expected


FROM_A_DATABASE = [
    ("c", [1.0, 2.0, None], ["1", "2"], ["1", "2", None]),
    ("c", [1, 2, 2**53 + 1], ["1", "2", str(2**53 + 1)], ["1", "2", str(2**53 + 1)]),
    ("c", [True, False], ["True", "False"], ["True", "False"]),
    ("t", [1.5, 1e300, np.inf], None, ["1.5", "1e+300", "inf"]),
    ("t", pd.array([1, None], dtype="Int64"), None, ["1", None]),
    ("t", pd.array([1.0, None], dtype="Float64"), None, ["1", None]),
    ("f", [Decimal("12.50"), None], None, [12.5, None]),
    ("f", [None, None], None, [None, None]),
    ("b", pd.array([True, None], dtype="boolean"), None, [1.0, None]),
    ("b", [1, 0], None, [1.0, 0.0]),
    ("d", [date(2024, 1, 31), None], None, [pd.Timestamp("2024-01-31"), None]),
    ("d", [20240131, 20240201], None, [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-01")]),
    ("d", [datetime(2024, 1, 31, tzinfo=UTC), None], None, [pd.Timestamp("2024-01-31"), None]),
    (
        "d",
        pd.to_datetime(["2024-01-31"]).tz_localize("Asia/Tokyo"),
        None,
        [pd.Timestamp("2024-01-30 15:00")],
    ),
]


@pytest.mark.parametrize(("column", "values", "categories", "expected"), FROM_A_DATABASE)
def test_types_of_other_sources_are_read(make_task, clean, column, values, categories, expected):
    spec = {"type": COLUMNS[column]["type"]} | ({"values": categories} if categories else {})
    task = make_task({column: spec, "n": {"type": "integer"}})
    raw = pd.DataFrame({column: values, "n": range(len(values)), "y": "p"})
    cleaned = clean(raw, task)
    assert cleaned.reasons.empty
    found = [None if pd.isna(value) else value for value in cleaned.clean[column]]
    assert found == expected


def test_several_reasons_are_all_told_and_a_rule_adds_nothing_to_a_column_already_at_fault(
    task, clean
):
    raw = pd.DataFrame([GOOD | {"f": "-1", "b": "?", "y": None}, GOOD | {"f": "400", "i": "3"}])
    assert clean(raw, task).reasons.tolist() == [
        "b: '?' is not true or false; f: -1 is outside 0 to 100; y: missing",
        "f: 400 is outside 0 to 100",
    ]


@pytest.mark.parametrize(
    ("comparison", "refused"),
    [("<", [1, 2]), ("<=", [2]), (">", [0, 1]), (">=", [0]), ("==", [0, 2]), ("!=", [1])],
)
@pytest.mark.parametrize("kind", ["float", "date", "text"])
def test_a_rule_refuses_what_does_not_compare_so_and_passes_what_is_missing(
    make_task, clean, comparison, refused, kind
):
    values = {
        "float": ["1", "2", "3"],
        "text": ["a", "b", "c"],
        "date": ["2024-01-01", "2024-01-02", "2024-01-03"],
    }[kind]
    rules = [{"left": "l", "is": comparison, "right": "r"}]
    columns = {"l": {"type": kind}, "r": {"type": kind}, "n": {"type": "integer"}}
    raw = pd.DataFrame(
        {
            "l": [*values, None, values[0]],
            "r": [*[values[1]] * 3, values[0], None],
            "n": range(5),
            "y": "p",
        }
    )
    task = make_task(columns, cleaning={"rules": rules})
    assert clean(raw, task).reasons.index.tolist() == refused


@pytest.mark.parametrize("values", [[5, -999, 7], [5.0, -999.0, 7.0], ["5", "-999", " 7"]])
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_marker_of_a_missing_number_is_known_in_numbers_and_in_text(
    make_task, clean, values, everywhere
):
    column = {"type": "float"} | ({} if everywhere else {"missing": ["-999"]})
    cleaning = {"missing": ["NA", "-999"]} if everywhere else {}
    cleaned = clean(
        pd.DataFrame({"f": values, "y": "p"}), make_task({"f": column}, cleaning=cleaning)
    )
    assert cleaned.clean["f"].fillna(0).tolist() == [5, 0, 7]


def test_numbers_that_stand_for_categories_are_replaced(make_task, clean):
    sex = {
        "type": "category",
        "values": ["male", "female"],
        "replace": {"1": "male", "2": "female"},
    }
    raw = pd.DataFrame({"sex": [1.0, 2.0, np.nan], "y": "p"})
    found = clean(raw, make_task({"sex": sex})).clean["sex"]
    assert found.iloc[:2].tolist() == ["male", "female"]
    assert pd.isna(found.iloc[2])


def test_an_exact_duplicate_is_kept_once_also_when_it_is_written_otherwise(task, clean):
    raw = pd.DataFrame([GOOD, GOOD, GOOD | {"f": " 1.50", "b": "TRUE"}, GOOD | {"t": "z"}])
    cleaned = clean(raw, task)
    assert cleaned.clean.index.tolist() == [0, 3]
    assert cleaned.duplicates == 2


def test_a_row_of_an_earlier_part_is_a_duplicate(raw_penguins, penguins, clean):
    whole = clean(raw_penguins, penguins)
    first = clean(raw_penguins.iloc[:200], penguins)
    rest = clean_rows(raw_penguins.iloc[100:], penguins, np.sort(first.hashes))
    assert rest.duplicates == len(first.clean.loc[100:])
    np.testing.assert_array_equal(np.concatenate([first.hashes, rest.hashes]), whole.hashes)


def test_two_refused_rows_alike_are_both_refused(task, clean):
    raw = pd.DataFrame([GOOD | {"y": ""}] * 2)
    assert len(clean(raw, task).reasons) == 2


def test_an_empty_part_gives_nothing(task, clean):
    raw = pd.DataFrame({name: pd.Series([], dtype=object) for name in task.columns})
    cleaned = clean(raw, task)
    assert (len(cleaned.clean), len(cleaned.reasons), cleaned.duplicates) == (0, 0, 0)
    assert list(cleaned.clean.columns) == list(task.columns)


def test_cleaning_leaves_its_input_alone(raw_penguins, penguins, clean):
    before = raw_penguins.copy()
    clean(raw_penguins, penguins)
    pd.testing.assert_frame_equal(raw_penguins, before)


@pytest.mark.parametrize(
    "name",
    [
        'x"; DROP TABLE raw; --',
        "SELECT",
        "Größe (cm)",
        "重さ",
        "a.b",
        "index",
        "column",
        "check",
        "0",
    ],
)
def test_a_column_of_any_name_is_cleaned(make_task, clean, name):
    task = make_task({name: {"type": "float", "range": [0, 9]}})
    cleaned = clean(pd.DataFrame({name: ["1", "99", "x"], "y": "p"}), task)
    assert cleaned.clean[name].tolist() == [1.0]
    assert cleaned.reasons.tolist() == [
        f"{name}: 99 is outside 0 to 9",
        f"{name}: 'x' is not a finite number",
    ]


def test_200_columns_are_cleaned(make_task, clean):
    names = [f"column {n}" for n in range(200)]
    task = make_task({name: {"type": "float", "required": True} for name in names})
    raw = pd.DataFrame({name: ["1", "2", ""] for name in names} | {"y": "p"})
    cleaned = clean(raw, task)
    adds_up(raw, cleaned)
    assert len(cleaned.clean) == 2
    assert cleaned.reasons.iloc[0].count("missing") == 200


CELL = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.sampled_from(["ä", "p", "q", "NA", "inf", "2024-01-31", "yes", "1e999", "50"]),
)
CHANGES = st.dictionaries(st.sampled_from(list(GOOD)), CELL, max_size=3)
ROWS = st.lists(CHANGES.map(lambda changes: GOOD | changes), max_size=12)


@settings(max_examples=25)
@given(rows=ROWS)
def test_clean_and_refused_rows_and_duplicates_add_up_to_the_raw_ones(task, rows):
    raw = pd.DataFrame(rows, columns=list(GOOD))
    cleaned = clean_rows(raw, task, np.array([], dtype=np.uint64))
    adds_up(raw, cleaned)
    if len(cleaned.clean):
        table_schema(task).validate(cleaned.clean)
    again = clean_rows(raw, task, np.sort(cleaned.hashes))
    assert len(again.clean) == 0
    back = read_back(cleaned.clean, task)
    np.testing.assert_array_equal(row_hashes(back), cleaned.hashes)


def test_rows_come_back_from_a_database_in_the_types_of_the_task(make_task, clean):
    task = make_task({**COLUMNS, "full": {"type": "integer"}, "sure": {"type": "boolean"}})
    raw = pd.DataFrame([GOOD, dict.fromkeys(GOOD, "") | {"y": "q"}]).assign(full="4", sure="no")
    rows = clean(raw, task).clean
    stored = rows.astype(object).where(rows.notna(), None)
    back = read_back(stored, task)
    assert {name: str(kind) for name, kind in back.dtypes.items()} == {
        "f": "float64",
        "i": "float64",
        "c": "str",
        "t": "str",
        "b": "float64",
        "d": "datetime64[us]",
        "full": "int64",
        "sure": "bool",
        "y": "str",
    }
    assert back["sure"].tolist() == [False, False]
    assert back.iloc[1][["f", "i", "c", "t", "b", "d"]].isna().all()


@pytest.mark.parametrize(
    ("names", "words", "value"),
    [
        (
            ["species", "island"],
            "lacks the columns bill_length_mm, bill_depth_mm",
            "species, island",
        ),
        (["extra"], "has columns that the task does not name: extra", "extra"),
        (["SPECIES"], "does not name: SPECIES", "SPECIES"),
        (["sex"], "has more than one column sex", "sex"),
    ],
)
def test_a_table_with_other_columns_is_refused(penguins, names, words, value):
    given_names = names if len(names) > 1 else [*penguins.columns, *names]
    with pytest.raises(InputError, match=words) as caught:
        check_columns(given_names, penguins)
    assert caught.value.value == value
    assert "tasks/penguins.yaml" in caught.value.next


def test_the_columns_that_ingest_adds_belong_to_the_table(penguins):
    check_columns([*penguins.columns, "batch_id", "ingested_at"], penguins)
    check_columns(list(penguins.columns)[::-1], penguins)
