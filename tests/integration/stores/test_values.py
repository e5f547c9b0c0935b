"""What is written comes back the same from every database, or is refused by name."""

import numpy as np
import pandas as pd
import pytest

from rookery.core.onehot import onehot
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.stores.column_types import clean_types, frame_types


@pytest.fixture
def through(tables, shop):
    """Writes rows as a raw table and reads them back."""

    def there_and_back(*parts: pd.DataFrame) -> pd.DataFrame:
        with tables.replacing({"shop_raw": frame_types(parts[0])}, shop) as new:
            for part in parts:
                new.append("shop_raw", part)
        return tables.read("shop_raw")

    return there_and_back


def doubles() -> "np.ndarray":
    """All magnitudes, by their bits; and those at the edges."""
    bits = np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64)
    drawn = bits.view(np.float64)
    edges = [0.1, 1 / 3, 1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2**53]
    return np.concatenate([drawn[np.isfinite(drawn)], edges, np.negative(edges)])


def test_doubles_come_back_to_the_last_bit(through):
    given = doubles()
    stored = through(pd.DataFrame({"x": given}))["x"].to_numpy("float64")
    assert stored.tobytes() == given.tobytes()


TEXTS = [
    "penguin 🐧 größe ✓ 企鹅",
    "it's",
    "'; DROP TABLE shop_raw; --",
    "back\\slash \\' \\n \\0 \\",
    'a "b" `c` %s %(x)s :y ? {z}',
    "line\nbreak\ttab\rreturn",
    "  blanks  ",
    "trailing ",
    "trailing",
    "ADELIE",
    "adelie",
    "",
    "NULL",
    "x" * 1_000_000,
    None,
]


def test_texts_come_back_to_the_letter(through):
    stored = through(pd.DataFrame({"t": pd.Series(TEXTS, dtype="str")}))["t"]
    assert [None if pd.isna(text) else text for text in stored] == TEXTS


def test_a_zero_character_is_kept_or_refused_by_name(through, tables):
    rows = pd.DataFrame({"t": ["a\x00b"]})
    if tables.engine.dialect.name == "postgresql":
        with pytest.raises(InputError, match="cannot hold what is to be written to shop_raw"):
            through(rows)
    else:
        assert through(rows)["t"].tolist() == ["a\x00b"]


def test_moments_come_back_to_the_microsecond(through):
    given = ["0001-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"]
    moments = pd.Series([*map(np.datetime64, given), None], dtype="datetime64[us]")
    stored = through(pd.DataFrame({"at": moments}))["at"]
    assert pd.to_datetime(stored, format="ISO8601").astype("datetime64[us]").equals(moments)


def test_whole_numbers_and_booleans_come_back_with_their_gaps(through):
    whole = pd.array([2**63 - 1, -(2**63), None, 2**53 + 1], dtype="Int64")
    flags = pd.array([True, None, False, True], dtype="boolean")
    rows = pd.DataFrame({"n": whole, "flag": flags})
    stored = through(rows)
    assert [None if pd.isna(n) else int(n) for n in stored["flag"]] == [1, None, 0, 1]
    only = through(rows[["n"]].dropna())["n"]
    assert only.tolist() == [2**63 - 1, -(2**63), 2**53 + 1]


def test_large_unsigned_numbers_are_kept_as_text(through):
    stored = through(pd.DataFrame({"n": np.array([2**64 - 1, 0], dtype=np.uint64)}))["n"]
    assert stored.astype(str).tolist() == ["18446744073709551615", "0"]


def test_infinity_is_kept_whenever_it_comes(through):
    parts = [[1.5, None, 0.1], [np.inf, -np.inf, 2.5], [1 / 3, None, 1e300]]
    stored = through(*(pd.DataFrame({"x": part, "y": 1.0}) for part in parts))
    read = pd.to_numeric(stored["x"]).to_numpy("float64")
    assert np.array_equal(
        read, np.array([*parts[0], *parts[1], *parts[2]], dtype="float64"), equal_nan=True
    )
    assert stored["y"].tolist() == [1.0] * 9


def test_a_moment_beyond_the_calendar_is_refused(through):
    with pytest.raises(InputError, match="at: a moment outside of the years"):
        through(pd.DataFrame({"at": np.array(["12000-01-01"], dtype="datetime64[us]")}))


def test_rows_larger_than_a_statement_go_one_by_one(through, tables):
    texts = ["y" * 3_000_000, "z", "w" * 3_000_000]
    assert through(pd.DataFrame({"t": texts}))["t"].tolist() == texts


def table_of(*columns: tuple[str, list[str] | None]) -> Task:
    found = {
        name: {"type": "category", "values": values} if values else {"type": "float"}
        for name, values in columns
    }
    return Task.model_validate(
        {
            "name": "shop",
            "source": {"csv": "shop.csv"},
            "columns": found | {"y": {"type": "float", "required": True}},
            "target": "y",
            "metric": "rmse",
            "candidates": {"ridge": {}},
        }
    )


def test_values_that_a_database_would_not_tell_apart_have_columns_of_their_own(tables):
    values = ["adelie", "Adelie", "café", "cafe", "🐧", "🐦", "x" * 80, "x" * 81, "ß" * 40]
    task = table_of(("kind", values), ("kind_adelie", None))
    rows = pd.DataFrame({"kind": values, "kind_adelie": 0.5, "y": 1.5})
    with tables.replacing({"shop_clean": clean_types(task)}, task) as new:
        new.append("shop_clean", rows)
    shown = tables.read("shop_onehot")
    expected = onehot(rows, task)
    assert shown.columns.tolist() == expected.columns.tolist()
    assert shown.to_numpy("float64").tolist() == expected.to_numpy("float64").tolist()


@pytest.mark.parametrize(
    ("dialect", "name"),
    [("mysql", "penguin 🐧"), ("postgresql", "n" * 64), ("postgresql", "ñ" * 40)],
)
def test_a_column_name_that_the_database_cannot_hold_is_refused(tables, dialect, name):
    task = table_of((name, None))
    rows = pd.DataFrame({name: [1.5], "y": [2.5]})

    def write() -> None:
        with tables.replacing({"shop_clean": clean_types(task)}, task) as new:
            new.append("shop_clean", rows)

    if tables.engine.dialect.name != dialect:
        write()
        assert tables.columns("shop_clean") == [name, "y"]
        return
    with pytest.raises(InputError, match="cannot have a column of the name"):
        write()
