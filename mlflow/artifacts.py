"""Where the server keeps artifacts: a bucket of the object store, or a container of Azure Blob."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rookery.core.azure_connection import (
    DESTINATION,
    VARIABLE,
    AzureConnection,
    AzureDestination,
    read_azure,
)
from rookery.errors import RookeryError

Azure = tuple[AzureDestination, AzureConnection]


def destination(place: Azure | None) -> str:
    """The address below which artifacts go; the bucket's stands in the image."""
    return place[0].uri if place else os.environ["MLFLOW_ARTIFACTS_DESTINATION"]


def azure() -> Azure | None:
    """The container and what opens it, whose key leaves the environment; None: it is the bucket.

    Raises:
        SystemExit: one of the two variables cannot be used.
    """
    with ending():
        return read_azure(os.environ.get(DESTINATION), _secret(), required=True)


def _secret() -> str | None:
    given = os.environ.pop(VARIABLE, None)
    if path := os.environ.get(f"{VARIABLE}_FILE"):
        return given or Path(path).read_text(encoding="utf-8")
    return given


def make_container(place: Azure) -> str:
    """Makes the container where it is not there, and says so.

    Raises:
        SystemExit: Azure does not answer or refuses.
    """
    from rookery.stores import azure_blobs

    with ending():
        made = azure_blobs.make_container(*place)
    return f"container {place[0].container} of {place[0].account}: {'made' if made else 'kept'}"


@contextmanager
def ending() -> Iterator[None]:
    """Ends the process with one line for what the user can mend."""
    try:
        yield
    except RookeryError as error:
        raise SystemExit(f"{error.message}. Correct {error.field} in .env") from None
    except OSError as error:
        raise SystemExit(
            f"The file that {VARIABLE}_FILE names cannot be read: {error.strerror}. User 1000 "
            "has to be able to read it"
        ) from None
