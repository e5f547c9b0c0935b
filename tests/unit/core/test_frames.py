"""Rows and frames are made of one another without a loss."""

from datetime import datetime

from rookery.core.frames import frame_of, rows_of
from rookery.core.records import RecordField

FIELDS = [
    RecordField("size", "float"),
    RecordField("rooms", "integer"),
    RecordField("lift", "boolean"),
    RecordField("district", "category"),
    RecordField("agent", "text"),
    RecordField("built", "date"),
]
WHOLE = (71.5, 3, True, "north", "Ana", datetime(1999, 11, 22, 8, 30))


def test_rows_of_a_frame_are_those_it_was_made_of():
    for rows in ([WHOLE, WHOLE], [WHOLE, (None,) * len(FIELDS)], []):
        again = rows_of(FIELDS, frame_of(FIELDS, rows))
        assert again == rows
        assert [list(map(type, row)) for row in again] == [list(map(type, row)) for row in rows]
