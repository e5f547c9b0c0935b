"""In which encoding and with which separator a CSV file is written."""

import codecs
import csv
from collections import Counter
from pathlib import Path

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 1 << 17  # bytes
ALIKE = 0.9  # of the lines have as many cells


def csv_form(path: Path) -> tuple[str, str]:
    """Separator and encoding of a text file, as far as its content tells.

    Bytes that are not UTF-8 are read as Windows wrote them for Western Europe, where they can be,
    else as ISO 8859-1, in which every byte is a letter.
    """
    encoding = _encoding(path)
    with path.open("rb") as file:
        block = file.read(SAMPLE)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(block).lstrip("\ufeff")
    # the last line may be cut
    lines = text.splitlines(keepends=True)[: None if len(block) < SAMPLE else -1]
    return _separator(lines), encoding


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # UTF-16 without the mark at its beginning: half of each Latin letter is a zero
    for zeros, letters, name in ((start[1::2], start[::2], "utf-16-le"),
                                 (start[::2], start[1::2], "utf-16-be")):  # fmt: skip
        if zeros == b"\0\0" and 0 not in letters:
            return name
    return next((name for name in ("utf-8", "cp1252") if _decodes(path, name)), "latin-1")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _separator(lines: list[str]) -> str:
    """What cuts nearly all lines into the same number of cells, the more the better."""
    best = (1, ",")
    for separator in SEPARATORS:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=separator) if cells]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
        if width > best[0] and count >= ALIKE * len(widths):
            best = (width, separator)
    return best[1]
