"""What a column of text means: numbers, dates, yes and no, gaps, and how each is written."""

import pandas as pd
import pytest

from rookery.core.profile import column_names
from rookery.core.profile.header import check_header
from rookery.core.profile.reading import read_column
from rookery.errors import InputError


def seen(*texts: str):
    return read_column("x", "x", pd.Series(texts, dtype="str"))


@pytest.mark.parametrize(
    ("texts", "kind", "values", "keys"),
    [
        (["1", "-2"], "integer", [1, -2], {}),
        (["1.0", "2.5"], "float", [1, 2.5], {}),
        (["1e3", "5"], "float", [1000, 5], {}),
        (["0", "1"], "integer", [0, 1], {}),
        (["$1,200.50", "-$5"], "float", [1200.5, -5], {"strip": ["$"], "thousands": ","}),
        (
            ["1.200,50 €", "3 €"],
            "float",
            [1200.5, 3],
            {"strip": ["€"], "decimal": ",", "thousands": "."},
        ),
        (["1.200 €", "950 €"], "integer", [1200, 950],
         {"strip": ["€"], "decimal": ",", "thousands": "."}),
        (["3,5", "12,25"], "float", [3.5, 12.25], {"decimal": ","}),
        (["85%", "3.5 %"], "float", [85, 3.5], {"strip": ["%"]}),
        (["1 200", "3 000 000"], "integer", [1200, 3e6], {"thousands": " "}),
        (["1 200,5", "3"], "float", [1200.5, 3], {"decimal": ",", "thousands": " "}),
        (["1,200", "3,400"], "integer", [1200, 3400], {"thousands": ","}),
        (["Yes", "no"], "boolean", [1, 0], {}),
        (["Y", "N"], "boolean", [1, 0], {}),
        (["sí", "no", "Sí"], "boolean", [1, 0, 1], {"replace": {"sí": "true", "Sí": "true"}}),
        (["SÍ", "Si", "no"], "boolean", [1, 1, 0], {"replace": {"SÍ": "true", "Si": "true"}}),
        (["Verdadero", "FALSO"], "boolean", [1, 0],
         {"replace": {"Verdadero": "true", "FALSO": "false"}}),
        (["TRUE", "false"], "boolean", [1, 0], {}),
        (["80,5 m²", "7 m²"], "float", [80.5, 7], {"strip": ["m²"], "decimal": ","}),
        (["3 días", "12 días"], "integer", [3, 12], {"strip": ["días"]}),
        (["5kg", "300 g"], "text", ["5kg", "300 g"], {}),
        (["12", "12a"], "text", ["12", "12a"], {}),
        (["A 1b", "A 2b"], "text", ["A 1b", "A 2b"], {}),
        (["'Suburb'", "'Rural'"], "text", ["Suburb", "Rural"], {"strip": ["'"]}),
        (["'5'", "'7'"], "integer", [5, 7], {"strip": ["'"]}),
        ([" a", "b "], "text", ["a", "b"], {}),
        (["007", "010"], "text", ["007", "010"], {}),
        (["12345678901234567890", "1"], "text", ["12345678901234567890", "1"], {}),
        (["$5", "5 €"], "text", ["$5", "5 €"], {}),
        (["it's", "'q'"], "text", ["it's", "'q'"], {}),
    ],
)  # fmt: skip
def test_the_form_of_the_values_gives_the_type_and_the_keys(texts, kind, values, keys):
    found = seen(*texts)
    assert (found.type, found.values.tolist(), dict(found.keys)) == (kind, values, keys)


@pytest.mark.parametrize(
    ("texts", "first", "form"),
    [
        (["2026-11-21", "2026-01-02"], "2026-11-21", None),
        (["20261121", "20260102"], "2026-11-21", None),
        (["20141013T000000", "20150225T000000"], "2014-10-13", None),
        (["2026-11-21 08:30", "2026-01-02 00:00"], "2026-11-21T08:30", None),
        (["21/11/2026", "01/02/2026"], "2026-11-21", "%d/%m/%Y"),
        (["11/21/2026", "01/02/2026"], "2026-11-21", "%m/%d/%Y"),
        (["21.11.26", "1.2.26"], "2026-11-21", "%d.%m.%y"),
        (["11/21/2026 8:30", "01/02/2026 9:15"], "2026-11-21T08:30", "%m/%d/%Y %H:%M"),
        (["2026/11/21", "2026/1/2"], "2026-11-21", "%Y/%m/%d"),
        (["21 Nov 2026", "2 Jan 2026"], "2026-11-21", "%d %b %Y"),
        (["November 21, 2026", "January 2, 2026"], "2026-11-21", "%B %d, %Y"),
    ],
)
def test_dates_are_told_from_text_and_day_from_month_by_evidence(texts, first, form):
    found = seen(*texts)
    assert found.type == "date"
    assert found.values[0] == pd.Timestamp(first)
    assert found.keys.get("format") == form


def test_dates_whose_day_and_month_cannot_be_told_apart_stay_text_and_say_so():
    found = seen("01/02/2026", "03/04/2026")
    assert (found.type, dict(found.keys)) == ("text", {})
    assert "no value tells day from month" in found.said[0]
    assert '"%d/%m/%Y" or "%m/%d/%Y"' in found.said[1]


def test_eight_digits_that_are_no_days_are_numbers():
    assert seen("20261121", "20269999").type == "integer"


@pytest.mark.parametrize(
    ("texts", "kind", "missing", "markers"),
    [
        (["1", "?", ""], "integer", 2, {"?": 1, "": 1}),
        (["1.5", "unknown"], "float", 1, {"unknown": 1}),
        (["2026-01-01", "-"], "date", 1, {"-": 1}),
        (["yes", "no", "N/A"], "boolean", 1, {"N/A": 1}),
        (["sí", "no", "NS/NC"], "boolean", 1, {"NS/NC": 1}),
        (["1,5", "S/D"], "float", 1, {"S/D": 1}),
        (["rojo", "n/d"], "text", 1, {"n/d": 1}),
        (["red", "unknown"], "text", 0, {}),
        (["red", "?"], "text", 1, {"?": 1}),
        (["", " "], "text", 2, {"": 2}),
    ],
)
def test_what_stands_for_no_value_is_counted(texts, kind, missing, markers):
    found = seen(*texts)
    assert (found.type, found.missing, dict(found.markers)) == (kind, missing, markers)


def test_the_only_negative_number_stands_for_no_value():
    found = seen("-999", "3", "-999", "5")
    assert found.keys == {"missing": ["-999"]}
    assert found.missing == 2
    assert seen("-999", "-3", "-999").missing == 0


def test_a_stray_word_among_many_numbers_is_refused_and_does_not_change_the_type():
    found = seen(*map(str, range(200)), "abc")
    assert (found.type, found.refused, found.missing) == ("integer", 1, 0)
    assert seen("1", "2", "abc").type == "text"


def test_a_row_of_totals_does_not_change_the_type_of_a_small_table():
    found = seen(*map(str, range(30)), "Total")
    assert (found.type, found.refused) == ("integer", 1)
    dates = seen(*(f"{day:02}/11/2026" for day in range(1, 31)), "Total")
    assert (dates.type, dates.refused) == ("date", 1)


def test_words_that_come_again_and_again_among_many_numbers_are_gaps():
    found = seen(*(f"{n},5" for n in range(50)), *["error"] * 3, "fuera de rango")
    assert (found.type, found.missing, found.refused) == ("float", 4, 0)
    assert dict(found.markers) == {"error": 3, "fuera de rango": 1}
    assert "'error' (3 rows)" in found.said[-1]
    assert seen(*("1", "2", "3", "studio") * 30).type == "text"
    assert seen(*map(str, range(30)), *["a"] * 20).type == "text"


def test_what_a_spreadsheet_or_another_program_writes_for_no_number_is_a_gap():
    found = seen("1.5", "inf", "-Infinity", "#DIV/0!", "#¡VALOR!", "2")
    assert (found.type, found.missing, found.refused) == ("float", 4, 0)
    assert seen("red", "#N/D").missing == 1


def test_a_large_number_in_scientific_form_is_no_key():
    assert seen("6.8e+301", "5.5e+301").type == "float"


def test_typed_columns_are_taken_as_they_are():
    frame = pd.DataFrame(
        {
            "b": pd.array([True, None], dtype="boolean"),
            "i": pd.array([1, None], dtype="Int64"),
            "f": [1.5, float("inf")],
            "d": pd.to_datetime(["2026-01-01", None]),
            "u": pd.array([2**63, 1], dtype="UInt64"),
        }
    )
    found = {name: read_column(name, name, frame[name]) for name in frame}
    kinds = {name: one.type for name, one in found.items()}
    assert kinds == {"b": "boolean", "i": "integer", "f": "float", "d": "date", "u": "text"}
    assert (found["f"].refused, found["i"].missing) == (1, 1)


def test_names_that_no_table_can_have_get_one_that_it_can():
    given = ["", "a", "A", " b ", "x" * 80, "batch_id", "año", "ano", "two\nlines"]
    names = column_names(given, "t.csv")
    assert names == [
        "column_1", "a", "A_2", "b", "x" * 63, "batch_id_2", "año", "ano_2", "two lines",
    ]  # fmt: skip


def test_the_same_name_twice_is_refused():
    with pytest.raises(InputError, match=r"more than one column 'a'"):
        column_names(["a", "b", "a"], "t.csv")


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["39", "State-gov", "77516"], [["50", "State-gov", "83311"], ["38", "Private", "2"]]),
        (["5.1", "3.5"], [["4.9", "3.0"]]),
        (["17", "3"], [["4", "9"]]),
    ],
)
def test_a_first_row_instead_of_names_is_refused(names, rows):
    with pytest.raises(InputError) as caught:
        check_header(names, pd.DataFrame(rows), "t.csv")
    assert "looks like a row" in caught.value.message
    assert f"a line with {len(names)} names" in caught.value.next


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["age", "work"], [["39", "State-gov"]]),
        (["country", "2019", "2020"], [["Peru", "1", "2"]]),
        (["0", "1", "2"], [["5", "6", "7"]]),
        (["", "a", "b"], [["1", "2", "3"]]),
        (["a", "b"], []),
    ],
)
def test_names_are_taken_for_names(names, rows):
    check_header(names, pd.DataFrame(rows, columns=range(len(names)), dtype="str"), "t.csv")
