"""Penguins with their gaps, as frames and as rows."""

from typing import Any

import palmerpenguins
import pandas as pd
import pytest

from rookery.core.records import RecordField, Row

NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
FIELDS = (
    RecordField("island", "category", values=("Biscoe", "Dream", "Torgersen")),
    RecordField("bill_length_mm", "float", required=False, range=(20, 80)),
    RecordField("bill_depth_mm", "float", required=False, range=(8, 30)),
    RecordField("flipper_length_mm", "float", required=False),
    RecordField("body_mass_g", "float", required=False, range=(1500, 9000)),
    RecordField("sex", "text", required=False),
    RecordField("year", "integer", range=(2000, 2100)),
)


@pytest.fixture(scope="session")
def fields() -> tuple[RecordField, ...]:
    return FIELDS


@pytest.fixture(scope="session")
def penguins() -> pd.DataFrame:
    """All 344, with the gaps, in the types that training sees."""
    raw = palmerpenguins.load_penguins()
    found = raw[[field.name for field in FIELDS]].astype(
        {"island": "str", "sex": "str"} | dict.fromkeys(NUMBERS, "float64") | {"year": "int64"}
    )
    return found.assign(species=raw["species"].astype("str"))


@pytest.fixture(scope="session")
def rows(penguins) -> list[Row]:
    return rows_of(penguins[[field.name for field in FIELDS]])


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """A frame as rows: plain values, None where one is missing."""
    return [tuple(map(_plain, row)) for row in frame.itertuples(index=False)]


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value
