"""What one column holds: its type, its values, its gaps and how they are written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.profile.dates import read_dates
from rookery.core.profile.numbers import Reading, quoted_alike, read_numbers
from rookery.core.profile.words import (
    ALWAYS_MISSING,
    MISSING_TEXTS,
    MISSING_WORDS,
    read_booleans,
)
from rookery.core.values import LARGEST_WHOLE, bare

SENTINELS = (-99.0, -999.0, -9999.0, -99999.0)
MOST_SPELLINGS = 500
STANDING_FOR_NONE = 2  # rows, at least
# words among numbers say that there is no value, where the numbers are no classes
MOST_WORDS, MOST_OF_WORDS, FEWEST_NUMBERS = 3, 0.1, 20


@dataclass(frozen=True)
class Seen:
    """One column of the rows looked at.

    `values` are float64, datetime64 or text, missing ones as such, in the order of the rows.
    `markers` counts the texts that stand for no value; `refused` the rows that cannot be read;
    `spellings` are the texts of a few values.
    """

    name: str
    source_name: str
    type: str  # float, integer, boolean, date or text
    values: pd.Series
    markers: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    keys: Mapping[str, Any] = field(default_factory=dict)
    unit: str | None = None
    said: tuple[str, ...] = ()
    spellings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> int:
        return int(self.values.isna().sum()) - self.refused

    @property
    def distinct(self) -> int:
        return int(self.values.nunique())

    @property
    def is_number(self) -> bool:
        return self.type in ("float", "integer", "boolean")


def read_column(name: str, source_name: str, raw: pd.Series) -> Seen:
    """A column as a source gave it, text or already typed."""
    if pd.api.types.is_bool_dtype(raw):
        return Seen(name, source_name, "boolean", raw.astype("float64"))
    if pd.api.types.is_datetime64_any_dtype(raw):
        dates = pd.to_datetime(raw, utc=True).dt.tz_localize(None)
        return Seen(name, source_name, "date", dates)
    if pd.api.types.is_numeric_dtype(raw):
        return _typed_number(name, source_name, raw)
    return _text(name, source_name, raw)


def _typed_number(name: str, source_name: str, raw: pd.Series) -> Seen:
    numbers = raw.astype("float64")
    numbers = numbers.mask(np.isinf(numbers))
    if pd.api.types.is_integer_dtype(raw) and (numbers.abs() > LARGEST_WHOLE).any():
        return Seen(name, source_name, "text", raw.astype("str"), said=("too long for a number",))
    kind = "integer" if pd.api.types.is_integer_dtype(raw) else "float"
    refused = int((numbers.isna() & raw.notna()).sum())
    seen = Seen(name, source_name, kind, numbers, refused=refused)
    return _without_sentinels(seen)


def _text(name: str, source_name: str, raw: pd.Series) -> Seen:
    codes, found = pd.factorize(raw)
    rows = np.bincount(codes[codes >= 0], minlength=len(found))
    texts = [str(text).strip() for text in found]
    blanks = any(text != str(whole) for text, whole in zip(texts, found, strict=True))
    counts: Counter[str] = Counter()
    for text, count in zip(texts, rows, strict=True):
        counts[text] += int(count)
    there = {text: n for text, n in counts.items() if text not in ALWAYS_MISSING}
    reading, quote = _quoted_reading(there)
    values = np.array([*(reading.values.get(text) for text in texts), None], dtype=object)
    gone = {
        text: n
        for text, n in counts.items()
        if text not in reading.values
        and (text not in there or text in MISSING_WORDS or text in reading.gaps)
    }
    unread = sum(n for text, n in counts.items() if text not in reading.values and text not in gone)
    keys = dict(reading.keys)
    if quote:
        keys["strip"] = sorted({quote, *keys.get("strip", ())})
    said = [f"every value stands in {quote} inside its cell"] if quote else []
    said += ["blanks around the values"] if blanks else []
    seen = Seen(
        name,
        source_name,
        reading.type,
        _series(values[codes], reading.type, raw.index),
        gone,
        unread,
        keys,
        reading.unit,
        (*said, *reading.said),
        dict(reading.values) if len(reading.values) <= MOST_SPELLINGS else {},
    )
    return _without_sentinels(seen) if reading.type in ("float", "integer") else seen


def _quoted_reading(counts: Mapping[str, int]) -> tuple[Reading, str | None]:
    """The reading of texts by their form as they stand, and the quote that all of them are in."""
    quote = quoted_alike(list(counts))
    if quote is None:
        return _reading(counts), None
    inner: Counter[str] = Counter()
    for text, rows in counts.items():
        inner[bare(text, (quote,))] += rows
    found = _reading(inner)
    values = {
        text: found.values[bare(text, (quote,))]
        for text in counts
        if bare(text, (quote,)) in found.values
    }
    return Reading(found.type, values, found.keys, found.unit, found.said), quote


def _reading(counts: Mapping[str, int]) -> Reading:
    """Yes and no, dates, numbers; text where it is none of these."""
    words = {text: rows for text, rows in counts.items() if text and text not in MISSING_WORDS}
    ambiguous: tuple[str, ...] = ()
    if words:
        for read in (read_booleans, read_dates, read_numbers):
            found = read(words)
            if found is not None and found.type != "text":
                return found
            ambiguous += found.said if found else ()
        if found := _numbers_beside_words(words):
            return found
    texts = {text: text for text in counts if text and text not in MISSING_TEXTS}
    return Reading("text", texts, said=ambiguous)


def _numbers_beside_words(counts: Mapping[str, int]) -> Reading | None:
    """Numbers, if besides many different ones there are only a few words again and again."""
    words = {text: n for text, n in counts.items() if not any(map(str.isdigit, text))}
    few = len(words) <= MOST_WORDS and len(counts) > FEWEST_NUMBERS
    if not (few and words and sum(words.values()) <= sum(counts.values()) * MOST_OF_WORDS):
        return None
    found = read_numbers({text: n for text, n in counts.items() if text not in words})
    if found is None or found.type == "text":
        return None
    shown = ", ".join(f"{text!r} ({n:,} rows)" for text, n in words.items())
    said = f"{shown} among numbers: taken for no value"
    return replace(found, said=(*found.said, said), gaps=tuple(words))


def _series(values: Any, kind: str, index: pd.Index) -> pd.Series:
    if kind == "date":
        return pd.Series(pd.to_datetime(values), index=index).astype("datetime64[us]")
    if kind == "text":
        return pd.Series(values, index=index, dtype="str")
    return pd.Series(values.astype(np.float64), index=index)


def _without_sentinels(seen: Seen) -> Seen:
    """-999 among numbers of which no other is negative says that there is no value."""
    numbers = seen.values
    negative = numbers[numbers < 0]
    found = negative.iloc[0] if len(negative) else None
    if found not in SENTINELS or negative.nunique() > 1 or len(negative) < STANDING_FOR_NONE:
        return seen
    marker = f"{found:.0f}"
    return replace(
        seen,
        values=numbers.mask(numbers == found),
        markers={**seen.markers, marker: len(negative)},
        keys={**seen.keys, "missing": [marker]},
        said=(*seen.said, f"{marker} ({len(negative)} rows) is the only negative number: missing"),
    )
