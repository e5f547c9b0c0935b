"""CSV files: every cell as it stands, and what is no CSV refused by name."""

from pathlib import Path

import pandas as pd
import pytest

from rookery.errors import InputError


@pytest.fixture
def read_csv(tmp_path: Path, opened):
    """Writes bytes as a CSV file and reads it to its end."""

    def reading(content: bytes, **source: object) -> pd.DataFrame:
        (tmp_path / "x.csv").write_bytes(content)
        return pd.concat(opened(csv="x.csv", **source).chunks())

    return reading


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("a,b\n1,ñ\n".encode(), {}),
        (b"\xef\xbb\xbf" + "a,b\n1,ñ\n".encode(), {}),
        ("a,b\r\n1,ñ\r\n".encode(), {"encoding": "UTF8"}),
        ("a;b\n1;ñ\n".encode(), {"separator": ";"}),
        ("a\tb\n1\tñ\n".encode(), {"separator": "\t"}),
        ("a,b\n1,ñ\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("a,b\n1,ñ\n".encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_a_csv_file_is_read_in_the_encoding_and_with_the_separator_of_the_task(
    read_csv, content, source
):
    assert read_csv(content, **source).to_dict("list") == {"a": ["1"], "b": ["ñ"]}


def test_every_cell_of_a_csv_file_stays_as_the_file_has_it(read_csv):
    rows = read_csv(b'a,b\n007,NA\n"1,5"," two\nlines"\n,nan\n')
    assert rows["a"].tolist() == ["007", "1,5", ""]
    assert rows["b"].tolist() == ["NA", " two\nlines", "nan"]


def test_the_same_bytes_read_in_another_way_are_another_batch(tmp_path, opened):
    (tmp_path / "x.csv").write_bytes("a;b\n1;ñ\n".encode("latin-1"))
    ids = {
        opened(csv="x.csv", encoding=encoding, separator=separator).id
        for encoding in ("latin-1", "cp1252")
        for separator in (";", "|")
    }
    assert len(ids) == 4
    again = opened(csv="x.csv", encoding="latin-1", separator=";").id
    assert again in ids


LATE = b"a,b\n" + b"1,x\n" * 300_000


@pytest.mark.parametrize(
    ("content", "source", "named"),
    [
        pytest.param(b"", {}, "is empty", id="empty"),
        pytest.param(b"\n\n\n", {}, "nothing but blank lines", id="blank lines"),
        pytest.param("a,b\n1,ñ\n".encode("latin-1"), {}, "not utf-8 text: byte 0xf1", id="latin-1"),
        pytest.param(LATE + b"1,\xf1\n", {}, "not utf-8 text: byte 0xf1", id="late byte"),
        pytest.param("a,b\n1,ñ\n".encode("utf-16"), {}, "a binary file", id="utf-16"),
        pytest.param(b"a,b\n1,2\n", {"encoding": "klingon"}, "'klingon'", id="no such encoding"),
        pytest.param(b"a,b\n1,2\n1,2,3\n", {}, "line 3", id="a row too long"),
        pytest.param(b"a,b\n1,2,3\n4,5,6\n", {}, "loss of data", id="all rows too long"),
        pytest.param(b'a,b\n1,"x\n2,y\n', {}, "EOF inside string", id="open quote"),
        pytest.param(b"a,b\n1,\x002\n", {}, "a binary file", id="zero byte"),
        pytest.param(LATE + b"1,\x002\n", {}, "a binary file", id="late zero byte"),
        pytest.param(b"PAR1\x15\x04", {}, "a Parquet file", id="parquet"),
        pytest.param(b"PK\x03\x04\x14", {}, "a zip archive", id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n", {}, "a picture", id="picture"),
        pytest.param(b"\x1f\x8b\x08\x00", {}, "a gzip file", id="gzip"),
        pytest.param(b"%PDF-1.7\n", {}, "a PDF", id="pdf"),
        pytest.param(b"<!doctype html>\n", {}, "a web page", id="web page"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1", {}, "an Excel file", id="old Excel file"),
        pytest.param(b"SQLite format 3\x00", {}, "a SQLite database", id="database"),
    ],
)
def test_a_csv_file_that_is_not_what_its_name_says_is_refused_by_name(
    read_csv, content, source, named
):
    with pytest.raises(InputError) as caught:
        read_csv(content, **source)
    assert named in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.allowed
    if "encoding" not in source:
        assert "x.csv" in caught.value.message


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (b"a,a\n1,2\n", ["a", "a"]),
        (b"a,b,a\n1,2,3\n", ["a", "b", "a"]),
        (b"a,\n1,2\n", ["a", ""]),
        (b"1,2\n3,4\n", ["1", "2"]),
        (b'" a ",b\n1,2\n', [" a ", "b"]),
    ],
)
def test_the_names_of_columns_are_those_of_the_header(tmp_path, opened, header, columns):
    (tmp_path / "x.csv").write_bytes(header)
    assert opened(csv="x.csv").columns == columns
