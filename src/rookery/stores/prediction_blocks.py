"""Predictions as the spool keeps them: a line is a checksum, a count and a JSON array of them.

One call makes a block of some hundred, and the database reads the same text: no step looks at
them one by one. JSON has no raw line end, so that a damaged block hides no other.
"""

from typing import NamedTuple
from zlib import crc32

from pydantic_core import from_json, to_json

# as JSON; the largest is far above what the API takes, and below what MySQL takes in one packet
BLOCK_BYTES = 2**20
LARGEST_BYTES = 16 * 2**20


class Entry(NamedTuple):
    """A prediction; the time is in microseconds since 1970, input and output are JSON."""

    id: str
    at: int
    model: str
    version: str
    input: bytes
    output: bytes
    seconds: float


Fields = tuple[str, int, str, str, bytes, bytes, float]


class Block(NamedTuple):
    """A line that was read; no text where it is damaged."""

    size: int
    text: str | None


def encode(entries: list[Fields]) -> tuple[list[bytes], int]:
    """The lines of entries, and how many cannot be written: not text, or too large."""
    try:
        # what is no number becomes null, which the table refuses
        text = to_json(entries, inf_nan_mode="null")
    except ValueError:
        text = b""
    if 0 < len(text) <= (BLOCK_BYTES if len(entries) > 1 else LARGEST_BYTES):
        return [b"%08x %d %b\n" % (crc32(text), len(entries), text)], 0
    if len(entries) == 1:
        return [], 1
    half = len(entries) // 2
    (first, lost), (second, also_lost) = encode(entries[:half]), encode(entries[half:])
    return first + second, lost + also_lost


def decode(line: bytes) -> Block:
    """The text of a line; a damaged one counts for what it says, or for one."""
    checksum, _, rest = line.rstrip(b"\n").partition(b" ")
    count, _, text = rest.partition(b" ")
    whole = checksum == b"%08x" % crc32(text)
    number = int(count) if count.isdigit() and len(count) < 5 else 1
    return Block(number, text.decode() if whole else None)


def entry_in(line: bytes, id_: str) -> Entry | None:
    """The prediction of that id, if the line has it."""
    # no input looks like that: quotes inside of a JSON text are escaped
    if b"[" + to_json(id_) + b"," not in line:
        return None
    found = (Entry(*fields) for fields in from_json(decode(line).text or "[]"))
    return next((_as_bytes(entry) for entry in found if entry.id == id_), None)


def _as_bytes(entry: Entry) -> Entry:
    return entry._replace(input=str(entry.input).encode(), output=str(entry.output).encode())
