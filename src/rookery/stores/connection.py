"""The connection to MLflow: a server, or the SQLite file that stands for it."""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from urllib.parse import urlsplit

import requests
from filelock import FileLock
from mlflow import MlflowClient, set_registry_uri, set_tracking_uri
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from rookery.core.server_address import SERVER
from rookery.core.unreachable import why_unreachable
from rookery.errors import InputError, Unavailable
from rookery.settings import Settings
from rookery.stores import azure_blobs

WRITERS = 4


class Connection:
    """One MLflow server, or the SQLite file that stands for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.uri = settings.tracking_uri

    @property
    def writers(self) -> int:
        """How many may write at a time: a server waits for its stores, a file has one writer."""
        return WRITERS if self.settings.is_remote else 1

    @cached_property
    def client(self) -> MlflowClient:
        """The client, after one look whether a server of MLflow answers.

        Raises:
            Unavailable: nothing answers. InputError: something else than MLflow does.
        """
        configure(self.settings)
        if self.settings.is_remote:
            check_server(self.settings)
            return MlflowClient(self.uri)
        return self._embedded()

    def _embedded(self) -> MlflowClient:
        """MLflow makes its tables at the first call; two processes that do so at once break it."""
        home = self.settings.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(home / "mlflow.lock"), self.answering():
            client = MlflowClient(self.uri)
            client.search_experiments(max_results=1)
            return client

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turns MLflow's failures into one clear error.

        Raises:
            Unavailable: naming the address and the setting.
        """
        try:
            yield
        except azure_blobs.failures() as error:
            raise self._azure_failed(error) from error
        except (MlflowException, requests.RequestException, SQLAlchemyError) as error:
            raise _unavailable(self.uri, fault_of(error)) from error

    def _azure_failed(self, error: Exception) -> Unavailable:
        if self.settings.azure is None:  # a client of somebody else's in this process
            return Unavailable(f"Azure Blob failed: {type(error).__name__}")
        return azure_blobs.unavailable(error, *self.settings.azure)


def fault_of(error: Exception) -> str:
    """What went wrong, in one line: after retries MLflow gives the words of its HTTP library."""
    text = str(error)
    if refused := re.search(r"too many (5\d\d) error responses", text):
        cause = "its database or its object store is away or full"
        return f"answers {refused[1]} again and again: {cause}"
    if silent := re.search(r"(?:Caused by |Connection aborted\.', )(\w+)", text):
        return f"does not answer: {silent[1]}"
    said = next(iter(text.splitlines()), type(error).__name__)
    return f"failed: {said[:300]}"


def is_unknown(error: Unavailable) -> bool:
    """Whether MLflow answered, namely that there is no such thing."""
    code = getattr(error.__cause__, "error_code", None)
    return code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def configure(settings: Settings) -> None:
    """Tells MLflow, which reads the environment itself, what the settings say."""
    given = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # it would export the project's lock for every model it logs
        "MLFLOW_UV_AUTO_DETECT": "false",
        "MLFLOW_LOG_UV_FILES": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # a line for each of its runs, with the address that containers use
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    }
    if settings.mlflow_tracking_username:
        given["MLFLOW_TRACKING_USERNAME"] = settings.mlflow_tracking_username
    if settings.mlflow_tracking_password:
        password = settings.mlflow_tracking_password.get_secret_value()
        os.environ["MLFLOW_TRACKING_PASSWORD"] = password
    for name, value in given.items():
        os.environ.setdefault(name, value)
    _point_mlflow_at(settings.tracking_uri)
    if settings.azure:
        azure_blobs.use_azure(*settings.azure)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    # a database that fails is one error of ours, not a traceback of MLflow's at every look
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    # stages are deprecated; the design sets them beside the alias as long as they exist
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
    warnings.filterwarnings("ignore", category=FutureWarning, message=".*stage.*")
    # a converted model of one-hot columns has whole numbers on purpose
    warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")


def _point_mlflow_at(uri: str) -> None:
    """MLflow writes its addresses to the environment, where a child process of ours would read
    the embedded file as a server that the user named."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    ours = [name for name in names if name not in os.environ]
    set_tracking_uri(uri)
    set_registry_uri(uri)
    for name in ours:
        os.environ.pop(name, None)


def check_server(settings: Settings) -> None:
    """One request to a real route, because proxies and wrong addresses answer HTML with 200.

    Raises:
        Unavailable: nothing answers there. InputError: what answers is not MLflow, or refuses us.
    """
    uri, user, password = (
        settings.tracking_uri,
        settings.mlflow_tracking_username,
        (settings.mlflow_tracking_password),
    )
    auth = (user, password.get_secret_value()) if user and password else None
    route = f"{uri.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1"
    try:
        answer = requests.get(route, auth=auth, timeout=10)
    except requests.RequestException as error:
        raise _unavailable(uri, f"does not answer: {why_unreachable(error)}") from error
    if answer.status_code in (401, 403):
        raise InputError(
            f"MLflow at {uri} refuses us ({answer.status_code}: {answer.text[:80].strip()})",
            field="MLFLOW_TRACKING_USERNAME",
            value=user,
            allowed="a user and password of that server; for 'Invalid Host header' add this "
            "address to its --allowed-hosts",
        )
    if _is_of_mlflow(answer):
        return
    if answer.status_code >= 500:
        raise _unavailable(uri, f"fails: {answer.status_code} {answer.reason}")
    kind = answer.headers.get("content-type", "no content type")
    raise InputError(
        f"what answers at {uri} is not an MLflow server ({answer.status_code}, {kind}"
        f"{_sent_on(answer)})",
        field="MLFLOW_TRACKING_URI",
        value=uri,
        allowed=SERVER,
        next="rookery doctor",
    )


def _is_of_mlflow(answer: requests.Response) -> bool:
    """A search's result, or an error of MLflow's own; a proxy and other APIs say neither."""
    if "json" not in answer.headers.get("content-type", ""):
        return False
    try:
        said = answer.json()
    except ValueError:
        return False
    return isinstance(said, dict) and (answer.ok or "error_code" in said)


def _sent_on(answer: requests.Response) -> str:
    """Where redirects led to: a proxy's login page has another host."""
    if not answer.history:
        return ""
    last = urlsplit(answer.url)
    return f", a page of {last.scheme}://{last.hostname} that we were sent on to"


def _unavailable(uri: str, said: str) -> Unavailable:
    return Unavailable(
        f"MLflow at {uri} {said}", field="MLFLOW_TRACKING_URI", value=uri, next="rookery doctor"
    )
