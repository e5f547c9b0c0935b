"""Runs and registered models in MLflow."""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock
from mlflow import MlflowClient, artifacts, set_registry_uri, set_tracking_uri
from mlflow.entities import (
    DatasetInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from sqlalchemy.exc import SQLAlchemyError

from rookery.errors import InputError, Unavailable
from rookery.settings import Settings
from rookery.stores.owners import is_gone, this_process

PARENT = "mlflow.parentRunId"
OWNER = "rookery.owner"
STAGE = "Production"


def configure(settings: Settings) -> None:
    """Tells MLflow, which reads the environment itself, what the settings say."""
    given = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # it would export the project's lock for every model it logs
        "MLFLOW_UV_AUTO_DETECT": "false",
        "MLFLOW_LOG_UV_FILES": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
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
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    # stages are deprecated; the design sets them beside the alias as long as they exist
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
    warnings.filterwarnings("ignore", category=FutureWarning, message=".*stage.*")


def _point_mlflow_at(uri: str) -> None:
    """MLflow writes its addresses to the environment, where a child process of ours would read
    the embedded file as a server that the user named."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    ours = [name for name in names if name not in os.environ]
    set_tracking_uri(uri)
    set_registry_uri(uri)
    for name in ours:
        os.environ.pop(name, None)


class Tracking:
    """One MLflow server, or the SQLite file that stands for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.uri = settings.tracking_uri

    @cached_property
    def client(self) -> MlflowClient:
        """The client, after one look whether a server of MLflow answers.

        Raises:
            Unavailable: nothing answers. InputError: something else than MLflow does.
        """
        configure(self.settings)
        if self.uri.startswith(("http://", "https://")):
            check_server(self.settings)
            return MlflowClient(self.uri)
        return self._embedded()

    def _embedded(self) -> MlflowClient:
        """MLflow makes its tables at the first call; two processes that do so at once break it."""
        home = self.settings.home
        home.mkdir(parents=True, exist_ok=True)
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
        except (MlflowException, requests.RequestException, SQLAlchemyError) as error:
            raise Unavailable(
                f"MLflow at {self.uri} failed: {str(error).splitlines()[0][:300]}",
                field="MLFLOW_TRACKING_URI",
                value=self.uri,
                next="rookery doctor",
            ) from error

    def experiment(self, task: str) -> str:
        """Id of the task's experiment, created when it is not there.

        Raises:
            InputError: an experiment of that name was deleted in MLflow's page.
        """
        name = self.settings.experiment_for(task)
        root = self.settings.artifact_root
        with self.answering():
            found = self.client.get_experiment_by_name(name)
            if found is None:
                try:
                    place = f"{root}/{name}" if root else None
                    return self.client.create_experiment(name, artifact_location=place)
                except MlflowException:  # another process was first
                    found = self.client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            raise InputError(
                f"the experiment {name!r} was deleted",
                field="EXPERIMENT_NAME",
                value=name,
                allowed="an experiment that is not deleted",
                next="restore it in MLflow's page, or set EXPERIMENT_NAME",
            )
        return str(found.experiment_id)

    def start_run(
        self, experiment: str, name: str, tags: Mapping[str, str], parent: str | None = None
    ) -> str:
        """Starts a run that says whose it is, and returns its id."""
        owned = dict(tags) | {"mlflow.runName": name, OWNER: this_process()}
        if parent:
            owned[PARENT] = parent
        with self.answering():
            run = self.client.create_run(experiment, tags=owned, run_name=name)
        return str(run.info.run_id)

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, Any] | None = None,
        model_id: str | None = None,
        dataset: DatasetInput | None = None,
    ) -> None:
        """Everything in one request, but for the data set; `model_id` ties metrics to the model."""
        now = int(time.time() * 1000)
        values = (metrics or {}).items()
        with self.answering():
            self.client.log_batch(
                run_id,
                metrics=[Metric(key, value, now, 0, model_id=model_id) for key, value in values],
                params=[Param(key, str(value)) for key, value in (params or {}).items()],
                # MLflow holds 5000 characters a tag
                tags=[RunTag(key, str(value)[:4900]) for key, value in (tags or {}).items()],
            )
            if dataset:
                self.client.log_inputs(run_id, [dataset])

    def end(self, run_id: str, status: str = "FINISHED") -> None:
        with self.answering():
            self.client.set_terminated(run_id, status)

    def end_abandoned(self, experiment: str) -> list[str]:
        """Ends as KILLED the running runs whose process on this host is gone."""
        with self.answering():
            running = self.client.search_runs(
                [experiment], "attributes.status = 'RUNNING'", max_results=1000
            )
            gone = [run.info.run_id for run in running if is_gone(run.data.tags.get(OWNER))]
            for run_id in gone:
                self.client.set_terminated(run_id, "KILLED")
        return gone

    def run(self, run_id: str) -> Run:
        """One run.

        Raises:
            InputError: there is none of that id.
        """
        try:
            return self.client.get_run(run_id)
        except MlflowException as error:
            raise InputError(
                f"there is no run {run_id!r}",
                field="--run",
                value=run_id,
                allowed="the id of a run in MLflow",
                next="rookery status",
            ) from error

    def runs(self, experiment: str, condition: str = "", most: int = 1000) -> list[Run]:
        """Runs, newest first."""
        with self.answering():
            return list(
                self.client.search_runs(
                    [experiment],
                    condition,
                    ViewType.ACTIVE_ONLY,
                    most,
                    ["attributes.start_time DESC"],
                )
            )

    def last_sweep(self, experiment: str) -> Run | None:
        found = self.runs(
            experiment, "tags.`rookery.kind` = 'sweep' and attributes.status = 'FINISHED'", 1
        )
        return found[0] if found else None

    def create_model(
        self, experiment: str, run_id: str, name: str, params: Mapping[str, Any]
    ) -> tuple[str, str]:
        """A logged model still without files: its id and where they will be."""
        with self.answering():
            model = self.client.create_logged_model(
                experiment, name, run_id, params={key: str(v) for key, v in params.items()}
            )
        return model.model_id, model.artifact_location

    def finish_model(self, run_id: str, model_id: str, folder: Path) -> None:
        """Uploads the files of a logged model and ties it to its run."""
        with self.answering():
            self.client.log_model_artifacts(model_id, str(folder))
            self.client.finalize_logged_model(model_id, "READY")
            self.client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])

    def drop_model(self, model_id: str) -> None:
        """Takes back a logged model whose files never came."""
        with self.answering():
            self.client.delete_logged_model(model_id)

    def model_of_run(self, run_id: str) -> str:
        """Id of the model that a run logged last.

        Raises:
            InputError: it logged none.
        """
        run = self.run(run_id)
        outputs = run.outputs.model_outputs if run.outputs else []
        if not outputs:
            raise InputError(
                f"run {run_id} logged no model",
                field="--run",
                value=run_id,
                allowed="a run with a logged model (mlflow.sklearn.log_model)",
            )
        return str(outputs[-1].model_id)

    def register(
        self, name: str, model_id: str, run_id: str | None, tags: Mapping[str, str]
    ) -> str:
        """Makes a logged model the next version of a registered model."""
        with self.answering():
            if self._registered(name) is None:
                try:
                    self.client.create_registered_model(name)
                except MlflowException:
                    if self._registered(name) is None:
                        raise
            created = self.client.create_model_version(
                name, f"models:/{model_id}", run_id, tags=dict(tags), model_id=model_id
            )
        return str(created.version)

    def _registered(self, name: str) -> Any:
        try:
            return self.client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, newest first."""
        with self.answering():
            found = self.client.search_model_versions(f"name = '{name}'", max_results=1000)
        return sorted(found, key=lambda version: -int(version.version))

    def version(self, name: str, number: str) -> ModelVersion:
        """One version.

        Raises:
            InputError: there is none of that number.
        """
        for version in self.versions(name):
            if str(version.version) == str(number):
                return version
        known = ", ".join(str(version.version) for version in self.versions(name))
        raise InputError(
            f"{name} has no version {number}",
            field="--version",
            value=number,
            allowed=known or "none yet",
            next=f"rookery status {name}",
        )

    def aliases(self, name: str) -> dict[str, str]:
        """Versions by alias, exactly as written; empty where nothing is registered."""
        with self.answering():
            model = self._registered(name)
        return {str(k): str(v) for k, v in model.aliases.items()} if model else {}

    def production(self, name: str) -> str | None:
        """The version that is to be served: the alias, or the stage Production where none is."""
        found = self.aliased(name) or self.staged(name)
        return str(found.version) if found else None

    def aliased(self, name: str) -> ModelVersion | None:
        """The version that carries the serving alias, in one look-up; None where none does."""
        with self.answering():
            try:
                return self.client.get_model_version_by_alias(name, self.settings.model_alias)
            except MlflowException as error:
                # no such model, and no such alias
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise

    def staged(self, name: str) -> ModelVersion | None:
        """The newest version in the stage Production."""
        return next((v for v in self.versions(name) if v.current_stage == STAGE), None)

    def set_production(self, name: str, version: str) -> None:
        """Moves the alias, and while MLflow still has stages, the stage."""
        with self.answering():
            self.client.set_registered_model_alias(name, self.settings.model_alias, version)
        self.set_stage(name, version)

    def set_stage(self, name: str, version: str) -> None:
        """Stage Production for this version, archiving the others."""
        if not hasattr(self.client, "transition_model_version_stage"):
            return
        with self.answering(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            if self.client.get_model_version(name, version).current_stage != STAGE:
                self.client.transition_model_version_stage(
                    name, version, STAGE, archive_existing_versions=True
                )

    def log_file(self, run_id: str, path: Path, folder: str | None = None) -> None:
        with self.answering():
            self.client.log_artifact(run_id, str(path), folder)

    def download(self, uri: str, to: Path) -> Path:
        """The files at an artifact address, below `to` (or where they are, if on this disk)."""
        _ = self.client
        with self.answering():
            return Path(
                artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=str(to), tracking_uri=self.uri
                )
            )

    def model_uri(self, version: ModelVersion) -> str:
        """Where the files of a version are."""
        with self.answering():
            return str(self.client.get_model_version_download_uri(version.name, version.version))

    def link(self, experiment: str, run_id: str) -> str:
        """A run's page."""
        remote = self.uri if self.uri.startswith("http") else self.settings.mlflow_ui_url
        return f"{remote.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"


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
        raise Unavailable(
            f"MLflow at {uri} does not answer: {type(error).__name__}",
            field="MLFLOW_TRACKING_URI",
            value=uri,
            next="rookery doctor",
        ) from error
    if answer.status_code in (401, 403):
        raise InputError(
            f"MLflow at {uri} refuses us ({answer.status_code}: {answer.text[:80].strip()})",
            field="MLFLOW_TRACKING_USERNAME",
            value=user,
            allowed="a user and password of that server; for 'Invalid Host header' add this "
            "address to its --allowed-hosts",
        )
    if "json" not in answer.headers.get("content-type", ""):
        raise InputError(
            f"what answers at {uri} is not an MLflow server "
            f"({answer.status_code}, {answer.headers.get('content-type', 'no content type')})",
            field="MLFLOW_TRACKING_URI",
            value=uri,
            allowed="the address of an MLflow server",
        )
