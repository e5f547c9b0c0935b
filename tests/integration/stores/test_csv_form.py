"""The form of a CSV file, told from its bytes."""

import pytest

from rookery.stores.csv_form import SAMPLE, csv_form


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"a,b\n1,2\n", (",", "utf-8")),
        ("a;b\n1,5;ñ\n2,5;x\n".encode(), (";", "utf-8")),
        (b"a\tb\n1\t2\n", ("\t", "utf-8")),
        (b"a|b\n1|2\n", ("|", "utf-8")),
        (b"\xef\xbb\xbfa;b\n1;2\n", (";", "utf-8")),
        ("a;b\n1;ñ\n".encode("latin-1"), (";", "cp1252")),
        (b"a;b\n1;\x81\n", (";", "latin-1")),
        ("a;b\n1;ñ\n".encode("utf-16"), (";", "utf-16")),
        ("a;b\n1;ñ\n".encode("utf-16-le"), (";", "utf-16-le")),
        ("a;b\n1;ñ\n".encode("utf-16-be"), (";", "utf-16-be")),
        (b'\n"a;1";b;c\nx;"y;z";w\n', (";", "utf-8")),
        (b"only\n1\n", (",", "utf-8")),
        (b"\n\n", (",", "utf-8")),
        (b"a,b\n" + b"1,x\n" * SAMPLE + "1,ñ\n".encode("latin-1"), (",", "cp1252")),
    ],
)
def test_separator_and_encoding_are_told_from_the_content(tmp_path, content, form):
    (tmp_path / "x.csv").write_bytes(content)
    assert csv_form(tmp_path / "x.csv") == form
