"""Text read as the field it is for: cells of a CSV, elements of a BYTES tensor."""

from collections.abc import Callable, Sequence
from typing import Any

from rookery.core.records import RecordField
from rookery.core.values import FALSE, TRUE

# what `pandas.read_csv`, and so `mlflow models serve`, takes for missing; NaT is how a date says it
MISSING = frozenset([
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null",
])  # fmt: skip
BOOLEANS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)


def read_texts(texts: Sequence[str | None], field: RecordField | None) -> list[Any]:
    """Each text as the field's type; what cannot be read stays text, to be refused.

    Without a field (a column that the model does not use, or know) only the gaps are read.
    """
    read = _READERS.get(field.type, _unread) if field else _unread
    missing = MISSING.difference((field.values if field else None) or ())
    # each value once: columns repeat themselves
    found = {text: None if text is None or text in missing else read(text) for text in set(texts)}
    return [found[text] for text in texts]


def _unread(text: str) -> Any:
    return text


def _number(text: str) -> Any:
    try:
        return text if "_" in text else float(text)  # Python's own digit groups are no data
    except ValueError:
        return text if text.strip() else None


def _whole(text: str) -> Any:
    if "_" not in text:
        try:
            return int(text)
        except ValueError:
            pass
    found = _number(text)
    return int(found) if isinstance(found, float) and found.is_integer() else found and text


def _boolean(text: str) -> Any:
    stripped = text.strip().lower()
    return BOOLEANS.get(stripped, text) if stripped else None


def _date(text: str) -> Any:
    return text.strip() or None


_READERS: dict[str, Callable[[str], Any]] = {
    "float": _number,
    "integer": _whole,
    "boolean": _boolean,
    "date": _date,
}
