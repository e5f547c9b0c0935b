"""Columns that say nothing, or say again what another one says: why each should be left out."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from rookery.core.profile.reading import Seen

FEW_ROWS = 20  # below it, values that all differ are no sign of a key
KEY_NAME = re.compile(
    r"(^|[_\s.-])(id|ids|uuid|guid|key|pk|index|idx|serial|rowid|ssn|iban|email|phone)([_\s.-]|$)"
    r"|[a-z]Id$|(^|[_\s.-])(number|nr|no|num|code|ref|n[uú]mero|nº)$|^column_\d+$"
    r"|(^|[_\s.-])(c[oó]digo|cod|clave|dni|nif|nie|cif|rut|expediente|folio|matr[ií]cula"
    r"|referencia|tel[eé]fono|correo)([_\s.-]|$)",
    re.IGNORECASE,
)
KEY_SHARE = 0.5  # of the values differ, in a column whose name is that of a key
MOST_BLANKS = 2  # in a text that names a row; one with more says something
COUNTING = 0.95  # of the steps from row to row are one


def without_news(seen: Seen) -> str | None:
    """Why a column can tell no row from another; None if it can."""
    if seen.distinct == 0:
        return "it has no value at all"
    if seen.distinct == 1 and not seen.missing:
        return "it has the same value in every row"
    if seen.distinct == 1 and seen.is_number:
        return "all its values are the same; what is missing is filled with that"
    return None


def as_key(seen: Seen) -> str | None:
    """Why a column looks like one that names rows instead of describing them; None if it does not.

    A fraction or a date is a measure, however many different ones there are.
    """
    present = seen.values.dropna()
    if seen.type not in ("integer", "text") or len(present) < FEW_ROWS:
        return None
    share = present.nunique() / len(present)
    if seen.type == "integer" and _counts_rows(present):
        return "it counts the rows"
    shown = f"{present.nunique():,} different values in {len(present):,} rows"
    if KEY_NAME.search(seen.source_name) and share >= KEY_SHARE:
        return f"its name is that of a key, with {shown}"
    if seen.type == "text" and share == 1 and present.str.count(" ").mean() < MOST_BLANKS:
        return f"no two rows share a value ({shown})"
    return None


def _counts_rows(present: pd.Series) -> bool:
    """Whether a value grows by one with each row; the index holds the rows' positions."""
    steps, places = np.diff(present.to_numpy()), np.diff(present.index.to_numpy())
    return bool(np.mean(steps == places) >= COUNTING)


def copies(columns: Sequence[Seen]) -> dict[str, str]:
    """Column names that say the same as an earlier one, which is the value.

    The same rows share a value in both, so each can be told from the other: education and its
    number. Where nearly every value differs, the values themselves have to be the same.
    """
    first: dict[bytes, str] = {}
    found = {}
    for seen in columns:
        if seen.distinct < 2:
            continue
        earlier = first.setdefault(_pattern(seen), seen.name)
        if earlier != seen.name:
            found[seen.name] = earlier
    return found


def _pattern(seen: Seen) -> bytes:
    if seen.distinct > seen.rows / 2:
        values = seen.values.astype("str") if seen.type == "text" else seen.values
        hashes = pd.util.hash_pandas_object(values, index=False).to_numpy()
        return hashlib.sha256(hashes.tobytes()).digest()
    # codes in the order in which the values come: equal for columns that are one-to-one
    codes, _ = pd.factorize(seen.values, use_na_sentinel=False)
    return hashlib.sha256(codes.astype(np.int64).tobytes()).digest()
