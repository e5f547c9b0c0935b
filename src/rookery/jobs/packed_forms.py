"""The forms in which a model serves: from its file, and converted as the API does it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from rookery.core.checks import Form
from rookery.core.frames import answers_of, rows_of
from rookery.core.records import RecordField
from rookery.serving.predictor.artifact import read, write
from rookery.serving.predictor.choosing import compile_predictor
from rookery.serving.predictor.interface import Predictor
from rookery.stores.folders import scratch
from rookery.stores.packing import pack, unpack


def forms_of(model: Any, fields: Sequence[RecordField]) -> dict[str, Form]:
    """The model after a way through its file, and the predictor that is made of it.

    Raises:
        Refused: it cannot be packed.
    """
    return {
        "skops": partial(answers_of, unpack(pack(model), "the model")),
        "converted": partial(_asked, _converted(model, fields), fields),
    }


def _converted(model: Any, fields: Sequence[RecordField]) -> Predictor:
    """After a way through its files, where it has any: a pipeline may have to serve by itself."""
    predictor = compile_predictor(model, fields)
    with scratch() as place:
        folder = place / "predictor"
        return read(folder) if write(folder, predictor) else predictor


def _asked(predictor: Predictor, fields: Sequence[RecordField], X: pd.DataFrame) -> tuple[Any, Any]:
    outcome = predictor.predict(rows_of(fields, X))
    return outcome.labels, outcome.scores
