"""The clean rows as older scripts expect them: a number per class, a column per category."""

import unicodedata
from hashlib import sha256
from typing import Any

import pandas as pd

from rookery.core.task import Task

LONGEST = 63  # bytes of a name in Postgres; MySQL has 64 characters


def onehot_columns(task: Task) -> list[tuple[str, str, str]]:
    """The one-hot columns: (name, source column, value), in the task's order.

    A name that a database could not hold, or could not tell from an earlier one, ends in eight
    digits of a digest instead.
    """
    taken = {folded(name) for name, column in task.columns.items() if not column.values}
    taken.add(folded(task.target))
    found = []
    for source, column in task.columns.items():
        for value in (column.values or ()) if source != task.target else ():
            name = f"{source}_{value}"
            if not fits(name) or folded(name) in taken:
                name = _shortened(name, repr((source, value)))
            taken.add(folded(name))
            found.append((name, source, value))
    return found


def fits(name: str) -> bool:
    """MySQL's names have no character beyond U+FFFF and no blank at the end."""
    return len(name.encode()) <= LONGEST and max(name) <= "\uffff" and name == name.rstrip()


def folded(name: str) -> str:
    """What MySQL compares of a column's name: letters without case and accents."""
    plain = unicodedata.normalize("NFD", name.replace("ß", "s").lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _shortened(name: str, pair: str) -> str:
    digits = sha256(pair.encode()).hexdigest()[:8]
    kept = "".join(letter for letter in name if letter <= "\uffff").encode()[: LONGEST - 9]
    return f"{kept.decode(errors='ignore')}_{digits}"


def target_codes(task: Task) -> dict[Any, int]:
    """1, 2, 3 … for the classes in the task's order; empty when the target is a number."""
    return {label: index for index, label in enumerate(task.labels, start=1)}


def onehot(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """What the view `<task>_onehot` shows, computed from clean rows."""
    codes = target_codes(task)
    plain = [
        name for name, column in task.columns.items() if not column.values and name != task.target
    ]
    target = rows[task.target].map(codes).astype("int64") if codes else rows[task.target]
    columns = {task.target: target} | {name: rows[name] for name in plain}
    for name, source, value in onehot_columns(task):
        columns[name] = (rows[source] == value).astype("int64")
    return pd.DataFrame(columns, index=rows.index)
