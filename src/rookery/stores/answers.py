"""CSV files of records to be asked about, and of the answers."""

import csv
from pathlib import Path
from typing import Any

from rookery.errors import InputError


def write_answers(
    path: Path, columns: list[str], rows: list[dict[str, str]], answers: list[dict[str, Any]]
) -> None:
    """The rows as they came, then `prediction` and a `probability_…` for each class."""
    classes = list(answers[0].get("probabilities", {}))
    header = [*columns, "prediction", *(f"probability_{label}" for label in classes)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row, answer in zip(rows, answers, strict=True):
            scores = [answer["probabilities"][label] for label in classes]
            writer.writerow([*(row[name] for name in columns), answer["prediction"], *scores])


def read_cells(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV file, every cell as text.

    Raises:
        InputError: it is not UTF-8 CSV, or a row has more or fewer cells than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", strict=True)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}",
            field="--csv",
            value=str(path),
            allowed="a UTF-8 CSV file with a header",
        ) from error
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            raise InputError(
                f"{path}:{number}: as many cells as the header has are expected",
                field="--csv",
                value=str(path),
                allowed=reader.fieldnames,
            )
    return list(reader.fieldnames or []), rows
