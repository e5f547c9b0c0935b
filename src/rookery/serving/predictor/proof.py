"""Proof that a predictor answers as the pipeline does, before it serves.

Labels must be equal. Numbers may differ by TOLERANCE: a product summed in another order differs in
its last bits (1e-16 of a probability), while a wrong category, threshold or missing value moves a
score by a share of a leaf, many orders above. What the pipeline refuses must be refused.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rookery.core.records import Row
from rookery.serving.predictor.compiled import Compiled
from rookery.serving.predictor.estimator import EstimatorPredictor, nameless
from rookery.serving.predictor.interface import Outcome, Predictor
from rookery.serving.predictor.pipeline import PipelinePredictor, ask
from rookery.serving.predictor.thresholds import around_thresholds
from rookery.serving.predictor.trees import Trees

TOLERANCE = 1e-9
ALONE = 20  # rows that are also asked one by one
REFUSED = 100  # rows, at most, that the pipeline has to refuse one by one
Candidate = Compiled | EstimatorPredictor


def difference(
    candidate: Candidate, plain: PipelinePredictor, batches: Sequence[Sequence[Row]]
) -> str:
    """What tells the candidate from the pipeline; empty if nothing does."""
    with np.errstate(all="ignore"):
        for rows in batches:
            if found := _on_rows(candidate, plain, rows):
                return found
        return _alone(candidate, batches[0][:ALONE]) or _at_thresholds(candidate, plain, batches[0])


def _on_rows(candidate: Candidate, plain: PipelinePredictor, rows: Sequence[Row]) -> str:
    (X, expected), found = _expected(plain, rows), _answer(candidate, rows)
    if isinstance(expected, Outcome) and isinstance(found, Outcome):
        return _unlike(expected, found) or (
            _encoding(candidate, X, rows) if plain.transformers else ""
        )
    if isinstance(expected, Outcome) or found != "ValueError":
        return f"the pipeline gives {_brief(expected)}, it {_brief(found)}, for {rows[0]}"
    return "" if len(rows) == 1 else _sorted_out(candidate, plain, rows)


def _sorted_out(candidate: Candidate, plain: PipelinePredictor, rows: Sequence[Row]) -> str:
    """What of a batch that both refuse is answered, at once; what is refused, each row alone.

    Of rows with gaps in the same columns one is asked, and of very many some, from all over:
    scikit-learn takes its time to refuse one.
    """
    answered, refused = list[Row](), dict[Any, Row]()
    for row in rows:
        if isinstance(_answer(candidate, [row]), Outcome):
            answered.append(row)
        else:
            gaps = tuple(index for index, value in enumerate(row) if value is None)
            refused[gaps or row] = row
    if not refused:
        return f"it refuses together what it answers alone, such as {rows[0]}"
    for row in list(refused.values())[:: -(-len(refused) // REFUSED)]:
        if found := _on_rows(candidate, plain, [row]):
            return found
    return _on_rows(candidate, plain, answered) if answered else ""


def _expected(plain: PipelinePredictor, rows: Sequence[Row]) -> tuple[Any, Outcome | str]:
    """What reaches the pipeline's estimator, and its outcome or the name of what was raised."""
    try:
        X = plain.encode(rows)
        return X, ask(plain.estimator, X)
    except Exception as error:  # as in `_answer`
        return None, type(error).__name__


def _answer(predictor: Predictor, rows: Sequence[Row]) -> Outcome | str:
    """The outcome, or the name of what was raised."""
    try:
        return predictor.predict(rows)
    except Exception as error:  # an estimator raises what it likes at a row it refuses
        return type(error).__name__


def _brief(answer: Outcome | str) -> str:
    return answer if isinstance(answer, str) else f"answers such as {answer.labels[0]}"


def _unlike(expected: Outcome, found: Outcome) -> str:
    for wanted, label in zip(expected.labels, found.labels, strict=True):
        if type(wanted) is not type(label) or not (wanted == label or _close(wanted, label)):
            return f"the pipeline says {wanted!r}, it says {label!r}"
    if (expected.scores is None) != (found.scores is None):
        return "only one of the two gives scores"
    same = expected.scores is None or _close(expected.scores, found.scores)
    return "" if same else "a score differs"


def _close(wanted: Any, found: Any) -> bool:
    """For numbers, and lists of them; text and whole numbers are never close."""
    numbers = np.array(wanted)
    if numbers.dtype.kind != "f":
        return False
    return np.allclose(np.array(found), numbers, TOLERANCE, TOLERANCE, equal_nan=True)


def _encoding(candidate: Candidate, X: Any, rows: Sequence[Row]) -> str:
    """To the last bit: then what holds at a threshold holds for the rows around it."""
    wanted = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    same = np.array_equal(wanted, candidate.encoder.encode(rows), equal_nan=True)
    return "" if same else "its encoding of the rows differs"


def _alone(candidate: Candidate, rows: Sequence[Row]) -> str:
    """What tells rows asked one by one from the same rows in a batch, which was compared."""
    together = _answer(candidate, rows)
    if isinstance(together, str):
        return ""  # the pipeline refuses them too
    each = [candidate.predict([row]) for row in rows]
    scores = [found.scores[0] for found in each if found.scores is not None]
    return _unlike(together, Outcome([found.labels[0] for found in each], scores or None))


def _at_thresholds(candidate: Candidate, plain: PipelinePredictor, rows: Sequence[Row]) -> str:
    if not isinstance(candidate, Compiled) or not isinstance(candidate.linked.model, Trees):
        return ""
    X = around_thresholds(candidate.linked.model, candidate.encoder.encode(rows))
    return _unlike(ask(nameless(plain.estimator), X), candidate.answer(X))
