"""CSV files of records to be asked about, and of the answers."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rookery.core.located import brief
from rookery.errors import InputError
from rookery.stores.csv_files import refuse_binary
from rookery.stores.csv_form import csv_form


@dataclass(frozen=True)
class Cells:
    """A CSV file, every cell as text; separator and encoding are as its content tells them."""

    columns: list[str]
    rows: list[list[str]]
    separator: str
    encoding: str


def write_answers(path: Path, asked: Cells, answers: list[dict[str, Any]]) -> None:
    """The rows as they came, then `prediction` and a `probability_…` for each class."""
    classes = list(answers[0].get("probabilities", {}))
    header = [*asked.columns, "prediction", *(f"probability_{label}" for label in classes)]
    written = [header]
    for row, answer in zip(asked.rows, answers, strict=True):
        scores = [answer["probabilities"][label] for label in classes]
        written.append([*row, answer["prediction"], *scores])
    # in the encoding that came, if it has the letters of the classes
    encoding = asked.encoding if _has_letters(asked.encoding, header, answers) else "utf-8"
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=asked.separator).writerows(written)


def _has_letters(encoding: str, header: list[str], answers: list[dict[str, Any]]) -> bool:
    try:
        "".join([*header, *(str(answer["prediction"]) for answer in answers)]).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def read_cells(path: Path) -> Cells:
    """The cells of a CSV file in any separator and encoding that can be told from its content.

    Raises:
        InputError: it is not CSV text, it names a column twice, or a row has more or fewer cells
            than the header.
    """
    try:
        separator, encoding = csv_form(path)
        refuse_binary(path, encoding, "--csv")
        read_as = "utf-8-sig" if encoding == "utf-8" else encoding
        with path.open(newline="", encoding=read_as) as file:
            reader = csv.reader(file, delimiter=separator, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}",
            field="--csv",
            value=str(path),
            allowed="a CSV file with a header",
        ) from error
    columns, rows = (lines[0][1] if lines else []), lines[1:]
    _check(path, columns, rows)
    return Cells(columns, [cells for _, cells in rows], separator, encoding)


def _check(path: Path, columns: list[str], rows: list[tuple[int, list[str]]]) -> None:
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError(
            f"{path} has more than one column {brief(map(repr, twice), 6)}",
            field="--csv",
            value=twice[0],
            allowed="columns of different names",
        )
    odd = next((number for number, cells in rows if len(cells) != len(columns)), None)
    if odd is not None:
        raise InputError(
            f"{path}:{odd}: as many cells as the header has are expected",
            field="--csv",
            value=str(path),
            allowed=columns,
        )
