"""Every form in which the model is packed answers as the pipeline does."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd

from rookery.core.changes import records
from rookery.core.checks.asked import Asked
from rookery.core.checks.found import MOST_EXAMPLES, Check, Found
from rookery.core.equality import compare_answers
from rookery.core.frames import answers_of
from rookery.core.shape import inputs_for
from rookery.core.task import Task

KIND = "packaging"
# the pipeline from its file is the same arithmetic; a compiled one adds in another order
TOLERANCES = {"skops": 0.0, "converted": 1e-9}
FORMS = {
    "skops": "the model read back from its skops file",
    "converted": "the predictor that the API makes of it",
}
ROWS_AT_A_TIME = 20_000
Answered = tuple[Any, Any]  # labels or numbers, and probabilities where there are any


def checks(task: Task) -> Iterator[Check]:
    for name, tolerance in TOLERANCES.items() if task.checks.packaging else ():
        yield Check(KIND, name, partial(measure, name, tolerance))


def measure(name: str, tolerance: float, asked: Asked) -> Found:
    """The number of hold-out rows that a form answers differently; labels must be equal."""
    different, gap, examples = 0, 0.0, list[dict[str, Any]]()
    for start in range(0, len(asked.rows), ROWS_AT_A_TIME):
        rows = asked.rows.iloc[start : start + ROWS_AT_A_TIME]
        X = inputs_for(rows, asked.task, asked.columns)
        was, now = answers_of(asked.model, X), asked.forms[name](X)
        found = compare_answers(was, now, tolerance)
        if math.isnan(found.largest_gap):
            says = f"{FORMS[name]} answers rows with no number at all"
            return Found(False, None, "at most", 0.0, len(asked.rows), says)
        different, gap = different + found.different, max(gap, found.largest_gap)
        if found.different and not examples:
            examples = list(islice(_unlike(rows, was, now, tolerance), MOST_EXAMPLES))
    says = (
        f"{FORMS[name]} answers {different} of {len(asked.rows)} rows differently; numbers are "
        f"{gap:g} apart at most"
    )
    many = len(asked.rows)
    return Found(different == 0, float(different), "at most", 0.0, many, says, examples)


def _unlike(
    rows: pd.DataFrame, was: Answered, now: Answered, tolerance: float
) -> Iterator[dict[str, Any]]:
    for at in range(len(rows)):
        one, other = _only(was, at), _only(now, at)
        if compare_answers(one, other, tolerance).different:
            (row,) = records(rows.iloc[[at]])
            yield {"row": row, "was": one[0][0], "now": other[0][0]}


def _only(answers: Answered, at: int) -> Answered:
    labels, scores = answers
    return labels[at : at + 1], None if scores is None else scores[at : at + 1]
