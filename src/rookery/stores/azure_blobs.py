"""Azure Blob as MLflow's store of artifacts: one client, bounded waits, no key in the environment.

The image of the tracking server carries this file too, so it imports no other store.
"""

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.store.artifact import artifact_repository_registry
from mlflow.store.artifact.azure_blob_artifact_repo import AzureBlobArtifactRepository

from rookery.core.azure_connection import (
    DESTINATION,
    VARIABLE,
    AzureConnection,
    AzureDestination,
)
from rookery.core.unreachable import why_unreachable
from rookery.errors import Unavailable

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

# Azure's client waits a minute for an answer, and asks three times more, 15 s and longer apart
CONNECT_SECONDS, READ_SECONDS, AGAIN, PAUSE_SECONDS = 5, 30, 2, 1
# learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
REFUSALS = {
    "AuthenticationFailed": "AccountKey is not one of its keys, or the clock here is wrong",
    "AuthorizationFailure": "AccountKey is not one of its keys, or its network rules keep us out",
    "KeyBasedAuthenticationNotPermitted": "it does not allow keys",
    "AccountIsDisabled": "the account is disabled",
}


@lru_cache(maxsize=4)
def service(connection: AzureConnection) -> "BlobServiceClient":
    """The client of an account, made once: it keeps its connections open."""
    from azure.storage.blob import BlobServiceClient, LinearRetry

    return BlobServiceClient(
        connection.endpoint,
        credential={"account_name": connection.account, "account_key": connection.key},
        retry_policy=LinearRetry(backoff=PAUSE_SECONDS, retry_total=AGAIN, random_jitter_range=0),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )


def use_azure(destination: AzureDestination, connection: AzureConnection) -> None:
    """Has MLflow open `wasbs:` addresses with this connection, and none beside the destination.

    The account's key opens all of its containers, and an experiment may name any.
    """

    def open_folder(artifact_uri: str, **addresses: str | None) -> AzureBlobArtifactRepository:
        if not destination.holds(artifact_uri):
            raise MlflowException.invalid_parameter_value(
                f"Artifacts are kept below {destination.uri} only, not at {artifact_uri!r}"
            )
        return AzureBlobArtifactRepository(artifact_uri, client=service(connection), **addresses)

    registry: Any = artifact_repository_registry._artifact_repository_registry
    registry.register("wasbs", open_folder)


def make_container(destination: AzureDestination, connection: AzureConnection) -> bool:
    """Makes the container where it is not there, and says whether it did.

    Raises:
        Unavailable: Azure does not answer or refuses.
    """
    from azure.core.exceptions import AzureError, ResourceExistsError

    if has_container(destination, connection):
        return False
    try:
        service(connection).create_container(destination.container)
    except ResourceExistsError:  # another process was first
        return False
    except AzureError as error:
        raise unavailable(error, destination, connection) from error
    return True


def has_container(
    destination: AzureDestination, connection: AzureConnection, **patience: int
) -> bool:
    """Whether the container is there; `patience` as Azure's client takes it, for this one look.

    Raises:
        Unavailable: Azure does not answer or refuses.
    """
    from azure.core.exceptions import AzureError

    try:
        return bool(
            service(connection).get_container_client(destination.container).exists(**patience)
        )
    except AzureError as error:
        raise unavailable(error, destination, connection) from error


def failures() -> tuple[type[Exception], ...]:
    """What Azure's client raises; nothing as long as its library is not imported."""
    module: Any = sys.modules.get("azure.core.exceptions")
    return (module.AzureError,) if module else ()


def unavailable(
    error: Exception, destination: AzureDestination, connection: AzureConnection
) -> Unavailable:
    """A failure of Azure's, in one line that names the setting to look at."""
    given = getattr(error, "error_code", None)
    code = str(getattr(given, "value", given) or type(error).__name__)
    field, said = VARIABLE, f"failed: {code}"
    if reason := REFUSALS.get(code):
        said = f"refuses us ({code}): {reason}"
    elif code == "ContainerNotFound":
        field, said = DESTINATION, f"has no container {destination.container}"
    elif code in ("ServiceRequestError", "ServiceRequestTimeoutError"):
        said = f"cannot be reached: {why_unreachable(error)}"
    elif code in ("ServiceResponseError", "ServiceResponseTimeoutError"):
        said = f"did not answer in time: {why_unreachable(error)}"
    return Unavailable(
        f"Azure Blob at {connection.endpoint} {said}",
        field=field,
        value=connection.endpoint if field == VARIABLE else destination.uri,
        next="rookery doctor",
    )
