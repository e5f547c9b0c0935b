"""One logged prediction, wherever it is by now."""

from collections.abc import Callable

import sqlalchemy as sa

from rookery.serving.prediction_log.rows import Entry
from rookery.stores.database import answering, connect
from rookery.stores.predictions import PREDICTIONS, Prediction, prediction_of, read_prediction


def find_prediction(
    waiting: Callable[[str], Entry | None], url: str, prediction_id: str
) -> Prediction | None:
    """The prediction of that id, among those that wait or in the database; None: it is unknown.

    Raises:
        Unavailable: the database does not answer.
    """
    # waiting first: what is sent in between is found in the table
    entry = waiting(prediction_id)
    if entry:
        return prediction_of(*entry)
    engine = connect(url)
    with answering(engine), engine.connect() as connection:
        there = sa.inspect(connection).has_table(PREDICTIONS.name)
    return read_prediction(engine, prediction_id) if there else None
