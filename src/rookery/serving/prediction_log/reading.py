"""One logged prediction, wherever it is by now."""

from collections.abc import Callable

from rookery.serving.prediction_log.rows import Entry
from rookery.stores.database import connect
from rookery.stores.predictions import Prediction, prediction_of, read_prediction


def find_prediction(
    waiting: Callable[[str], Entry | None], url: str, prediction_id: str
) -> Prediction | None:
    """The prediction of that id, among those that wait or in the database; None: it is unknown.

    Raises:
        Unavailable: the database does not answer.
    """
    # waiting first: what is sent in between is found in the table
    entry = waiting(prediction_id)
    return prediction_of(*entry) if entry else read_prediction(connect(url), prediction_id)
