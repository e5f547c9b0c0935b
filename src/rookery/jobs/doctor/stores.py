"""Tables and MLflow, as the jobs use them: written where jobs run, read elsewhere."""

import socket
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.core.azure_connection import AzureConnection, AzureDestination
from rookery.jobs.doctor.findings import Check, Finding, fine, warning
from rookery.jobs.doctor.server import mlflow
from rookery.jobs.doctor.web import clock
from rookery.settings import Settings
from rookery.stores.database import answering, connect
from rookery.stores.ledger import Ledger, pending
from rookery.stores.taskfiles import task_names

if TYPE_CHECKING:
    from rookery.stores.tracking import Tracking

SECONDS = 3.0


def checks(settings: Settings, *, writing: bool) -> list[Check]:
    """Files of the embedded mode are never left half-written by a time limit."""
    remote_tables = not settings.tables_url.startswith("sqlite")
    remote_runs = settings.is_remote or settings.azure is not None
    found = [
        Check("stores", "tables", partial(tables, settings, writing=writing), remote_tables),
        Check("stores", "tracking", partial(runs, settings, writing=writing), remote_runs),
    ]
    if settings.azure:
        found.append(Check("stores", "artifacts", partial(container, *settings.azure)))
    if settings.is_remote:
        found.append(Check("stores", "clock", partial(clock, [f"{_server(settings)}/health"])))
    return found


def _server(settings: Settings) -> str:
    return settings.tracking_uri.rstrip("/")


def tables(settings: Settings, *, writing: bool) -> Iterator[Finding]:
    engine = connect(settings.tables_url)
    _reach(engine)
    if writing:
        _write(engine)
    else:
        with answering(engine), engine.connect() as connection:
            connection.execute(sa.select(1))
    place = engine.url.render_as_string(hide_password=True)
    yield fine(f"{place} answers" + (" and can be written" if writing else ""))
    yield from promotions(settings)


def _reach(engine: Engine) -> None:
    """Drivers wait ten seconds and more for a host that is away."""
    if engine.url.host and engine.url.port:
        place = f"{engine.url.host}:{engine.url.port}"
        try:
            socket.create_connection((engine.url.host, engine.url.port), SECONDS).close()
        except OSError as failed:
            raise OSError(0, f"the database does not answer ({failed})", place) from failed


def _write(engine: Engine) -> None:
    probe = sa.Table("rookery_doctor", sa.MetaData(), sa.Column("id", sa.Integer))
    engine = engine.execution_options(writes=True)
    with answering(engine), engine.begin() as connection:
        probe.drop(connection, checkfirst=True)
        probe.create(connection)
        probe.drop(connection)


def promotions(settings: Settings) -> Iterator[Finding]:
    """Promotions whose process has ended before they did."""
    ledger = Ledger(settings.tables_url)
    for name in _models(settings):
        entry = pending(ledger.entries(name))
        if entry and ledger.abandoned(entry):
            yield warning(
                f"the promotion of {name} that {entry.who} began at {entry.at} was interrupted",
                f"rookery status {name}, which ends it",
                "promotions",
            )


def _models(settings: Settings) -> list[str]:
    return task_names(settings.tasks_folder) or settings.served_models


def runs(settings: Settings, *, writing: bool) -> Iterator[Finding]:
    """The server first, because MLflow's client is patient with one that is away."""
    found = list(mlflow(_server(settings), _login(settings))) if settings.is_remote else []
    yield from found
    if any(finding.level == "error" for finding in found):
        return
    from rookery.stores.tracking import Tracking

    tracking = Tracking(settings)
    if writing:
        yield _write_run(tracking)
    yield from aliases(tracking, _models(settings))
    yield from locations(tracking)


def _login(settings: Settings) -> tuple[str, str] | None:
    user, password = settings.mlflow_tracking_username, settings.mlflow_tracking_password
    return (user, password.get_secret_value()) if user and password else None


def container(destination: AzureDestination, connection: AzureConnection) -> Iterator[Finding]:
    """Azure Blob, with less patience than a job has; what it takes is seen by writing a run."""
    from rookery.stores.azure_blobs import has_container

    patience = {"retry_total": 0, "connection_timeout": 3, "read_timeout": 5}
    place = f"{destination.container} of {destination.account} at {connection.endpoint}"
    if has_container(destination, connection, **patience):
        yield fine(f"the container {place} answers")
    else:
        yield warning(f"there is no container {place}", "none is needed: the first run makes it")


def _write_run(tracking: "Tracking") -> Finding:
    """Writes a run with a file and deletes it again: the only proof that both can be written."""
    from rookery.stores.folders import scratch

    experiment = tracking.experiment(tracking.settings.rookery_task)
    run_id = tracking.start_run(experiment, "doctor", {})
    with scratch() as place:
        (place / "probe.txt").write_text("written by rookery doctor\n", encoding="utf-8")
        tracking.log_file(run_id, place / "probe.txt")
    with tracking.answering():
        tracking.client.delete_run(run_id)
    return fine(f"{tracking.uri} takes runs and their files")


def aliases(tracking: "Tracking", names: list[str]) -> Iterator[Finding]:
    alias = tracking.settings.model_alias
    for name in names:
        for other in tracking.standing(name).aliases_in_another_case(alias):
            yield warning(
                f"{name} has the alias {other!r} beside {alias!r}; only {alias!r} is served",
                f"delete it at {tracking.settings.mlflow_pages}/#/models/{name}",
                "aliases",
            )


def locations(tracking: "Tracking") -> Iterator[Finding]:
    """Experiments whose files go elsewhere than the settings say."""
    settings = tracking.settings
    with tracking.answering():
        found = tracking.client.search_experiments(max_results=1000)
    ours = {settings.experiment_for(name) for name in _models(settings)}
    for experiment in found:
        place = experiment.artifact_location
        if settings.azure and settings.azure[0].holds(place):
            continue
        past = settings.is_remote and not place.startswith(("mlflow-artifacts:", "http"))
        if past or (not settings.is_remote and settings.azure and experiment.name in ours):
            instead = "past the server" if past else f"not at {settings.artifact_root}"
            yield warning(
                f"the experiment {experiment.name!r} keeps its files at "
                f"{place.rpartition('@')[2]}, {instead}",
                "an experiment keeps its place: use a new one (EXPERIMENT_NAME=…)",
                "experiments",
            )


def are_unused(settings: Settings) -> bool:
    """Whether nothing was ever done here in the embedded mode."""
    return not settings.is_remote and not settings.database_url and not settings.home.exists()
