"""Rows that arrived together."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Batch:
    """Rows that arrived together; its id is a digest of the content, so a repeat is known."""

    id: str
    origin: str
    columns: list[str]
    chunks: Callable[[], Iterator[pd.DataFrame]]


def file_digest(path: Path, digits: int = 16) -> str:
    """Hexadecimal digits, 64 at most, that name a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:digits]
