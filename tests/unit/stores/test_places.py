"""Which addresses of artifacts are read, with a server and a container of Azure Blob."""

import pytest

from rookery.errors import Refused
from rookery.settings import Settings
from rookery.stores.places import check_place

SERVER = "http://mlflow:5005"
CONTAINER = "wasbs://models@devstoreaccount1.blob.core.windows.net/artifacts"
KEY = {"azure_storage_connection_string": "UseDevelopmentStorage=true"}


def settings(**given: str) -> Settings:
    return Settings(mlflow_tracking_uri=SERVER, **given)


@pytest.mark.parametrize("uri", ["mlflow-artifacts:/1/x", f"{SERVER}/x", f"{CONTAINER}/1/x"])
def test_what_the_server_hands_on_and_what_the_settings_name_is_read(uri):
    check_place(uri, settings(artifacts_destination=CONTAINER, **KEY))


@pytest.mark.parametrize(
    ("uri", "given"),
    [
        (f"{CONTAINER}/1/x", {}),
        (f"{CONTAINER}/1/x", KEY),
        (f"{CONTAINER}/1/x", {"artifacts_destination": CONTAINER}),
        (f"{CONTAINER}2/x", {"artifacts_destination": CONTAINER, **KEY}),
        (f"{CONTAINER}/../x", {"artifacts_destination": CONTAINER, **KEY}),
        ("mlflow-artifacts://elsewhere/x", {"artifacts_destination": CONTAINER, **KEY}),
        ("http://elsewhere/x", {"artifacts_destination": CONTAINER, **KEY}),
    ],
)
def test_what_lies_elsewhere_is_refused(uri, given):
    with pytest.raises(Refused, match="lie elsewhere"):
        check_place(uri, settings(**given))
