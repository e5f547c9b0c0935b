"""The two models of the recorded requests, as the parsers know them, and hostile bodies."""

import random
from typing import Any

from rookery.core.records import RecordField
from rookery.serving.problems import Problem

PENGUIN_FIELDS = (
    RecordField("island", "category", values=("Biscoe", "Dream", "Torgersen")),
    RecordField("bill_length_mm", "float", range=(20, 80)),
    RecordField("bill_depth_mm", "float"),
    RecordField("flipper_length_mm", "float"),
    RecordField("body_mass_g", "float"),
    RecordField("sex", "category", required=False, values=("female", "male")),
)
FLAT_FIELDS = (
    RecordField("area_m2", "float"),
    RecordField("rooms", "integer", required=False),
    RecordField("balcony", "boolean", required=False),
    RecordField("built", "date", required=False),
    RecordField("district", "category", values=("Nord", "Süd")),
)
NUMBER_FIELDS = (RecordField("a", "float"), RecordField("b", "integer", required=False))
IGNORED = ("year", "remark")
MOST = 50  # rows
SEEDS = range(4)
MUTATIONS = 150  # a seed


def refusal(error: Problem) -> tuple[int, str | None]:
    """What a test looks at first: status and field."""
    errors = error.details.errors
    return error.details.status, errors[0].field if errors else None


def hostile(valid: list[bytes], draw: random.Random) -> bytes:
    """Random bytes, or a valid body in which a few places are cut, doubled or replaced."""
    if draw.random() < 0.2:
        return draw.randbytes(draw.randint(0, 200))
    body = bytearray(draw.choice(valid))
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(body) + 1)
        end = min(len(body), start + draw.choice((0, 1, 1, 4, 30)))
        body[start:end] = draw.choice(
            (b"", draw.randbytes(draw.randint(1, 8)), bytes(body[start:end]) * 2, *TOKENS)
        )
    return bytes(body)


TOKENS: tuple[bytes, ...] = (
    b"null", b"[]", b"{}", b"-1", b"0", b"1e999", b"NaN", b'""', b"true", b"1.5", b",", b'"', b"\n",
    b"9" * 400, b"-" * 3, b"[[[[", b'{"a":', b"4294967295", b"18446744073709551616", b"\xff\xfe",
    b'"BYTES"', b'"BOOL"', b'"FP16"', b'"UINT64"', b'"shape":[2,3],', b'"params":{"a":1},',
)  # fmt: skip


def refused_or_read(read: Any) -> int:
    """200 for what can be read, else the status of the problem; anything else is a defect."""
    try:
        read()
    except Problem as problem:
        found = problem
    else:
        return 200
    assert len(found.response().body) < 60_000
    return found.details.status
