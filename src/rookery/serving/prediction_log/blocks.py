"""Predictions as the spool keeps them: a line is a checksum, a count and a JSON array.

The array holds some hundred predictions, or the fields of `Rows`. One call makes it, and the
database reads the same text. JSON has no raw line end, so that a damaged block hides no other.
"""

from typing import NamedTuple
from zlib import crc32

from pydantic_core import from_json, to_json

from rookery.serving.ids import HEAD
from rookery.serving.prediction_log.rows import Entry, Fields, Rows

# as JSON; the largest is far above what the API takes, and below what MySQL takes in one packet
BLOCK_BYTES = 2**20
LARGEST_BYTES = 16 * 2**20


class Block(NamedTuple):
    """A line that was read; no text where it is damaged."""

    size: int
    text: str | None


def encode(block: list[Fields] | Rows) -> tuple[list[bytes], int]:
    """The lines of predictions, and how many cannot be written: not text, or too large."""
    try:
        # what is no number becomes null, which the table refuses
        text = to_json(block.fields() if isinstance(block, Rows) else block, inf_nan_mode="null")
    except ValueError:
        text = b""
    if 0 < len(text) <= (BLOCK_BYTES if len(block) > 1 else LARGEST_BYTES):
        return [b"%08x %d %b\n" % (crc32(text), len(block), text)], 0
    if len(block) == 1:
        return [], 1
    half = len(block) // 2
    (first, lost), (second, also_lost) = encode(block[:half]), encode(block[half:])
    return first + second, lost + also_lost


def decode(line: bytes) -> Block:
    """The entries of a line as one JSON array; none where it is damaged, and how many it said."""
    checksum, _, rest = line.rstrip(b"\n").partition(b" ")
    count, _, text = rest.partition(b" ")
    whole = checksum == b"%08x" % crc32(text)
    number = int(count) if count.isdigit() and len(count) < 5 else 1
    if not whole:
        return Block(number, None)
    if text.startswith(b"[["):
        return Block(number, text.decode())
    try:
        return Block(number, to_json(Rows(*from_json(text)).entries()).decode())
    except (ValueError, TypeError):  # no block of ours
        return Block(number, None)


def entry_in(line: bytes, id_: str) -> Entry | None:
    """The prediction of that id, if the line has it."""
    # quickly past lines that cannot: ids that count up from one have their head in common
    if to_json(id_[:HEAD])[1:-1] not in line:
        return None
    found = (Entry(*fields) for fields in from_json(decode(line).text or "[]"))
    return next((entry for entry in found if entry.id == id_), None)
