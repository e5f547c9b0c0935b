"""CSV files of records in whatever form, and of their answers in the same."""

import pytest

from rookery.errors import InputError
from rookery.stores.answers import read_cells, write_answers

ANSWERS = [{"prediction": "sí", "probabilities": {"no": 0.25, "sí": 0.75}}]


@pytest.mark.parametrize(
    ("separator", "encoding"),
    [(",", "utf-8"), (";", "cp1252"), ("\t", "utf-16"), (";", "utf-8-sig")],
)
def test_a_file_is_read_in_its_own_form_and_answered_in_it(tmp_path, separator, encoding):
    path, out = tmp_path / "asked.csv", tmp_path / "out.csv"
    lines = [["", "año", "precio"], ["1", "ñandú", "1,5"]]
    text = "".join(separator.join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)
    path.write_bytes(text.encode(encoding))
    asked = read_cells(path)
    assert (asked.columns, asked.rows) == (lines[0], lines[1:])
    write_answers(out, asked, ANSWERS)
    found = read_cells(out)
    assert found.columns == [*lines[0], "prediction", "probability_no", "probability_sí"]
    assert found.rows == [[*lines[1], "sí", "0.25", "0.75"]]
    assert (found.separator, found.encoding) == (asked.separator, asked.encoding)


def test_a_class_that_the_encoding_has_no_letter_for_is_written_as_utf_8(tmp_path):
    path, out = tmp_path / "asked.csv", tmp_path / "out.csv"
    path.write_bytes("año;b\n1;2\n".encode("latin-1"))
    write_answers(out, read_cells(path), [{"prediction": "日本"}])
    assert out.read_text(encoding="utf-8") == "año;b;prediction\n1;2;日本\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b,a\n1,2,3\n", "more than one column 'a'"),
        (b"a,b\n1,2\n\n1,2,3\n", "asked.csv:4: as many cells"),
        (b"PK\x03\x04and more", "a zip archive or a spreadsheet"),
        (b"a;b\n1;\x00\n", "a binary file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "asked.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_cells(path)
    assert message in caught.value.message
    assert caught.value.field == "--csv"
