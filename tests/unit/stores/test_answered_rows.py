"""Answers of data services: the forms that are taken, and those that are none."""

import json

import pytest

from rookery.errors import InputError
from rookery.stores.answered_rows import NoBatch, read_answer

OBJECTS = [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}]
LISTS = [["1.5", "x"], [None, "y"]]


@pytest.fixture
def read(tmp_path):
    def reading(content: object):
        path = tmp_path / "body.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return read_answer(path, ["a", "b"])

    return reading


def frame_of(answer) -> list[list[object]]:
    (frame,) = answer.batch.chunks()
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize("rows", [OBJECTS, LISTS], ids=["objects", "lists"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_rows_come_as_objects_or_lists_with_an_envelope_or_without(read, rows, wrapped):
    answer = read({"group_number": 1, "batch_number": 3, "data": rows} if wrapped else rows)
    assert answer.number == (3 if wrapped else None)
    assert answer.batch.columns == ["a", "b"]
    assert frame_of(answer) == [["1.5", "x"], [None, "y"]]


def test_the_same_rows_have_the_same_id_in_any_envelope(read):
    ids = {
        read({"batch_number": number, "data": OBJECTS, "at": f"{number}"}).batch.id
        for number in (1, 2)
    }
    assert len(ids) == 1
    assert read({"batch_number": 1, "data": OBJECTS[:1]}).batch.id not in ids


def test_every_value_becomes_text_as_a_csv_file_would_have_it(read):
    row = {"a": 85001.0, "b": 1e-7, "c": True, "d": 3, "e": "007", "f": 0.1}
    answer = read([row, dict.fromkeys(row)])
    assert frame_of(answer)[0] == ["85001", "1e-07", "True", "3", "007", "0.1"]
    assert frame_of(answer)[1] == [None] * 6


def test_a_key_that_only_some_objects_have_is_a_column_with_gaps(read):
    assert frame_of(read([{"a": "1"}, {"b": "2"}])) == [["1", None], [None, "2"]]


def test_not_a_number_is_a_gap(read):
    assert frame_of(read('[{"a": NaN, "b": "x"}, {"a": 1, "b": "y"}]'))[0] == [None, "x"]


def test_a_batch_without_rows_has_the_columns_of_the_task(read):
    answer = read({"batch_number": 0, "data": []})
    assert (answer.rows, answer.batch.columns) == (0, ["a", "b"])


@pytest.mark.parametrize(
    "content",
    ['{"batch_number": 1, "data": [{"a": 1}', "", "<html>", '{"detail": "no"}', '{"data": "x"}'],
)
def test_what_is_cut_off_or_no_batch_is_known_as_such(read, content):
    with pytest.raises(NoBatch):
        read(content)


@pytest.mark.parametrize(
    "rows", [[["1"]], [["1", "2", "3"]], [["1", "2"], ["1"]], [{"a": 1}, ["1", "2"]], [1, 2]]
)
def test_rows_that_fit_no_table_are_refused_with_the_columns(read, rows):
    with pytest.raises(InputError) as caught:
        read({"batch_number": 1, "data": rows})
    assert caught.value.field == "source.batches.columns"
    assert "lists of 2 values" in caught.value.message
