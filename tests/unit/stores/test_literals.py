"""Rows as text, as a server reads them."""

import numpy as np
import pandas as pd
import pytest

from rookery.stores.literals import largest, literal_rows, statements

ROWS = pd.DataFrame(
    {
        "number": [0.1, np.nan, -0.0],
        "whole": pd.array([1, None, 2**63 - 1], dtype="Int64"),
        "flag": [True, False, True],
        "text": pd.Series(["it's", None, "a\\b"], dtype="str"),
        "kind": pd.Categorical(["x", None, "x"]),
        "at": pd.to_datetime(
            ["2020-01-02T03:04:05.6+01:00", None, "2020-01-01"], utc=True, format="ISO8601"
        ),
    }
)


def literals(frame: pd.DataFrame, *, escaping: bool = True, as_text: bool = False):
    columns = [frame[name] for name in frame.columns]
    return literal_rows(columns, [as_text] * len(columns), escaping=escaping)


def test_each_row_is_a_list_of_literals():
    assert literals(ROWS).to_pylist() == [
        "0.1e0,1,1,'it''s','x','2020-01-02 02:04:05.600000'",
        "NULL,NULL,0,NULL,NULL,NULL",
        "-0e0,9223372036854775807,1,'a\\\\b','x','2020-01-01 00:00:00.000000'",
    ]


def test_a_backslash_is_doubled_only_for_a_server_that_escapes():
    assert literals(ROWS[["text"]], escaping=False).to_pylist() == ["'it''s'", "NULL", "'a\\b'"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.5, np.inf], ["'1.5'", "'inf'"]), ([1.5, -np.inf], ["'1.5'", "'-inf'"])],
)
def test_infinity_is_written_as_text(values, expected):
    assert literals(pd.DataFrame({"x": values})).to_pylist() == expected


def test_numbers_for_a_column_of_text_are_text():
    rows = pd.DataFrame({"x": [1.5], "n": [2]})
    assert literals(rows, as_text=True).to_pylist() == ["'1.5','2'"]


@pytest.mark.parametrize("size", [1, 10, 25, 10_000])
def test_statements_have_every_row_once_in_order_and_about_that_size(size):
    rows = literals(pd.DataFrame({"n": range(200)}))
    made = list(statements("t", rows, size))
    head = "INSERT INTO t VALUES "
    assert all(statement.startswith(head) for statement in made)
    values = ",".join(statement.removeprefix(head) for statement in made)
    assert values == ",".join(f"({n})" for n in range(200))
    parts = [statement.removeprefix(head)[1:-1].split("),(") for statement in made]
    assert all(len(part) == 1 or len("".join(part)) <= size for part in parts)
    assert len(parts) == 1 if size == 10_000 else len(parts) > 10


def test_the_longest_row_is_known():
    assert largest(literals(pd.DataFrame({"t": ["ñ", "abcdef"]}))) == len("'abcdef'")
