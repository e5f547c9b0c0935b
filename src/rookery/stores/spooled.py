"""Predictions that the API has written to disk and not yet sent to the database."""

from contextlib import suppress
from pathlib import Path

from rookery.stores.prediction_blocks import entry_in
from rookery.stores.predictions import Prediction, prediction_of


def find_spooled(folder: Path, prediction_id: str) -> Prediction | None:
    """A prediction that waits in the spool of an API on this machine; reads all of it."""
    for path in sorted(folder.glob("*/*.lines")):
        with suppress(FileNotFoundError), path.open("rb") as file:  # it may be sent meanwhile
            found = (entry_in(line, prediction_id) for line in file)
            if entry := next(filter(None, found), None):
                return prediction_of(*entry)
    return None
