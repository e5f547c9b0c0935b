"""The text of a segment: what goes in comes out, and what is damaged takes nothing else along."""

import json
import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rookery.stores import prediction_blocks as blocks
from rookery.stores.prediction_blocks import Entry, decode, encode, entry_in

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SECONDS = st.floats(0, 4e9)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)
BYTES = st.tuples(VALUES, st.sampled_from([None, 1, "\t"])).map(
    lambda drawn: json.dumps(drawn[0], indent=drawn[1], ensure_ascii=False).encode()
)
ENTRY = st.builds(Entry, st.uuids().map(str), SECONDS, TEXT, TEXT, BYTES, BYTES, SECONDS)
ENTRIES = st.lists(ENTRY, min_size=1, max_size=8, unique_by=lambda entry: entry.id)


def one(name: str = "a", **changed: object) -> Entry:
    entry = Entry(name, 1_500_000, "penguins", "3", b'{"a": 1}', b'{"b": "c"}', 0.25)
    return entry._replace(**changed)


@settings(max_examples=25)
@given(ENTRIES)
def test_every_prediction_comes_back_to_the_letter(entries):
    (line,), lost = encode(entries)
    assert (lost, line.count(b"\n"), line[-1:]) == (0, 1, b"\n")
    block = decode(line)
    assert block.size == len(entries)
    for kept, entry in zip(json.loads(block.text), entries, strict=True):
        assert kept == [v.decode() if isinstance(v, bytes) else v for v in entry]
        assert entry_in(line, entry.id) == entry


@settings(max_examples=25)
@given(ENTRIES, st.data())
def test_any_changed_byte_is_noticed(entries, data):
    (line,), _ = encode(entries)
    place = data.draw(st.integers(0, len(line) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    damaged = line[:place] + bytes([other]) + line[place + 1 :]
    found = [decode(part + b"\n") for part in damaged[:-1].split(b"\n")]
    head = len("01234567 ") + len(str(len(entries)))
    if place < len("01234567") or place > head:
        assert all(block.text is None for block in found)


@settings(max_examples=25)
@given(ENTRIES, st.data())
def test_a_block_that_was_cut_off_counts_what_it_held(entries, data):
    (line,), _ = encode(entries)
    head = len("01234567 ") + len(str(len(entries))) + 1
    length = data.draw(st.integers(head, len(line) - 2))
    assert decode(line[:length]) == (len(entries), None)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\n")
@example(b"00000000 -1 \n")
@example(b"00000000 99999999999999 \n")
def test_garbage_is_damaged_or_empty(line):
    block = decode(line)
    assert not block.text
    assert 0 <= block.size < 10_000


@pytest.mark.parametrize(
    "fault", [{"id": "\ud800"}, {"input": b"\xff"}, {"output": b"x" * (blocks.LARGEST_BYTES + 1)}]
)
def test_what_cannot_be_written_keeps_no_other_back(fault):
    lines, lost = encode([one("a"), one("b"), one(**fault), one("c")])
    assert lost == 1
    kept = [row[0] for line in lines for row in json.loads(decode(line).text)]
    assert kept == ["a", "b", "c"]


def test_blocks_stay_small():
    entries = [one(str(number), input=b"x" * 10_000) for number in range(250)]
    lines, lost = encode(entries)
    assert lost == 0
    assert max(map(len, lines)) < 1.1 * blocks.BLOCK_BYTES
    assert sum(decode(line).size for line in lines) == 250


def test_an_input_that_looks_like_a_prediction_is_not_taken_for_one():
    wanted = str(UUID(int=7))
    (line,), _ = encode([one(input=f'["{wanted}",1]'.encode(), model=f'["{wanted}",')])
    assert entry_in(line, wanted) is None
    assert entry_in(line, "a") is not None


def test_importing_it_imports_nothing_heavy():
    heavy = "pandas mlflow sqlalchemy sklearn scipy"
    code = (
        "import sys; import rookery.serving.prediction_log.log; "
        f"print(*sys.modules.keys() & set('{heavy}'.split()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
