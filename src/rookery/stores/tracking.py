"""Runs, the models they log, and (through `Registry`) the versions these become."""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow import artifacts
from mlflow.entities import (
    DatasetInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException

from rookery.core.tags import KIND, OWNER, PARENT, TASK
from rookery.errors import InputError, Refused, Unavailable
from rookery.stores.azure_blobs import make_container
from rookery.stores.connection import is_unknown
from rookery.stores.owners import is_gone, this_process
from rookery.stores.places import check_place, on_this_disk
from rookery.stores.registry import Registry


class Tracking(Registry):
    """Everything that is kept in MLflow."""

    def experiment(self, task: str) -> str:
        """Id of the task's experiment, created when it is not there, as is Azure's container.

        Raises:
            InputError: an experiment of that name was deleted in MLflow's page.
        """
        name = self.settings.experiment_for(task)
        root = self.settings.artifact_root
        if self.settings.azure and not self.settings.is_remote:
            make_container(*self.settings.azure)
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
            with self.answering():
                return self.client.get_run(run_id)
        except Unavailable as error:
            if not is_unknown(error):
                raise
            raise InputError(
                f"there is no run {run_id!r} at {self.uri}",
                field="--run",
                value=run_id,
                allowed="the id of a run of that MLflow",
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

    def last_sweep(self, experiment: str, task: str) -> Run | None:
        """The last finished sweep of a task; an experiment may hold several tasks."""
        condition = (
            f"tags.`{KIND}` = 'sweep' and tags.`{TASK}` = '{task}' "
            "and attributes.status = 'FINISHED'"
        )
        found = self.runs(experiment, condition, 1)
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

    def log_file(self, run_id: str, path: Path, folder: str | None = None) -> None:
        with self.answering():
            self.client.log_artifact(run_id, str(path), folder)

    def download(self, uri: str, to: Path) -> Path:
        """The files at an artifact address, below `to`.

        A folder on this disk is copied here: MLflow starts threads for it, which keep a server
        that is loading a model from its requests.

        Raises:
            Refused: they lie neither with the tracking server nor in the project, or are gone.
        """
        place = self._place(uri)
        check_place(place, self.settings)
        here = on_this_disk(place)
        # `copytree` follows a link wherever it leads; MLflow looks
        if here is not None and here.is_dir() and not any(map(Path.is_symlink, here.rglob("*"))):
            with suppress(OSError):  # then MLflow copies, or says what is wrong
                return shutil.copytree(here, to / here.name, dirs_exist_ok=True)
        try:
            with self.answering():
                found = artifacts.download_artifacts(
                    artifact_uri=place, dst_path=str(to), tracking_uri=self.uri
                )
        except Unavailable:
            if self._holds(place):
                raise
            raise Refused(
                f"the files of {uri} are gone",
                field="artifacts",
                value=place,
                allowed="a model whose files are still there",
                next="promote another version, or bring a backup back",
            ) from None
        return Path(found)

    def _holds(self, place: str) -> bool:
        """Whether there are files; a store that does not say is not one that has lost them."""
        try:
            with self.answering():
                listed = artifacts.list_artifacts(artifact_uri=place, tracking_uri=self.uri)
        except Unavailable:
            return True
        return bool(listed)

    def _place(self, uri: str) -> str:
        """Where `models:/` and `runs:/` point; an address that points again is not followed."""
        scheme, _, rest = uri.partition(":/")
        name, _, below = rest.lstrip("/").partition("/")
        client = self.client
        with self.answering():
            if scheme == "runs":
                root = str(client.get_run(name).info.artifact_uri)
                return f"{root.rstrip('/')}/{below}" if below else root
            if scheme != "models":
                return uri
            if not below:
                return str(client.get_logged_model(name).artifact_location)
            return self._place_of_source(client.get_model_version_download_uri(name, below))

    def _place_of_source(self, source: str) -> str:
        """A version's source is a place, or the logged model that it was made of."""
        scheme, _, model = source.partition(":/")
        if scheme == "models" and "/" not in model:
            return str(self.client.get_logged_model(model).artifact_location)
        return source

    def link(self, experiment: str, run_id: str) -> str:
        """A run's page."""
        return f"{self.settings.mlflow_pages}/#/experiments/{experiment}/runs/{run_id}"
