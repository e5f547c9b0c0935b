"""The text of a segment: what goes in comes out, and what is damaged takes nothing else along."""

import json
import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rookery.serving.ids import new_series, series
from rookery.serving.prediction_log import blocks
from rookery.serving.prediction_log.blocks import decode, encode, entry_in
from rookery.serving.prediction_log.rows import Entry, Rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SECONDS = st.floats(0, 4e9)
MOMENTS = st.integers(0, 4 * 10**15)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=9,
)
BYTES = st.tuples(VALUES, st.sampled_from([None, 1, "\t"])).map(
    lambda drawn: json.dumps(drawn[0], indent=drawn[1], ensure_ascii=False).encode()
)
ENTRY = st.builds(Entry, st.uuids().map(str), MOMENTS, TEXT, TEXT, BYTES, BYTES, SECONDS)
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
        assert entry_in(line, entry.id) == Entry(*kept)


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


def rows(values: list[tuple[object, ...]]) -> Rows:
    """A row a value, of a classifier with two classes."""
    labels = ["yes" if place % 3 else "no" for place in range(len(values))]
    scores = [[1 / (3 + place), 1 - 1 / (3 + place)] for place in range(len(values))]
    names, classes = ["größe", 'a "b"'], ["no", "yes"]
    return Rows(new_series(), 1_500_000, "shop", "3", 0.25, names, classes, values, labels, scores)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False) | st.none(), TEXT)))
def test_many_of_one_request_come_back_one_by_one(values):
    given_ = rows([(1.5, "%s"), *values])
    (line,), lost = encode(given_)
    block = decode(line)
    assert (lost, block.size) == (0, len(given_))
    kept = [Entry(*fields) for fields in json.loads(block.text)]
    assert kept == given_.entries()
    assert [one.id for one in kept] == series(given_.first, len(given_))
    for one, row, label, scores in zip(
        kept, given_.rows, given_.labels, given_.scores, strict=True
    ):
        assert json.loads(one.input) == dict(zip(given_.names, row, strict=True))
        assert json.loads(one.output) == {
            "prediction": label,
            "probabilities": dict(zip(given_.classes, scores, strict=True)),
            "model": "shop",
            "version": "3",
            "id": one.id,
        }
        assert entry_in(line, one.id) == one
    assert entry_in(line, series(given_.first, len(given_) + 1)[-1]) is None


def test_many_of_one_request_are_parted_where_their_block_would_be_large():
    given_ = rows([(float(number), "x" * 10_000) for number in range(250)])
    lines, lost = encode(given_)
    assert lost == 0
    assert max(map(len, lines)) < 1.1 * blocks.BLOCK_BYTES
    kept = [fields for line in lines for fields in json.loads(decode(line).text)]
    assert [Entry(*fields) for fields in kept] == given_.entries()


def test_one_of_many_that_is_no_text_keeps_no_other_back():
    lines, lost = encode(rows([(1.0, "a"), (2.0, "\ud800"), (3.0, "c")]))
    assert lost == 1
    kept = [fields for line in lines for fields in json.loads(decode(line).text)]
    assert [json.loads(fields[4])["größe"] for fields in kept] == [1.0, 3.0]
