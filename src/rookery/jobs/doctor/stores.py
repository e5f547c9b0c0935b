"""Tables and MLflow, as the jobs use them: written where jobs run, read elsewhere."""

import socket
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Engine

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
    remote_runs = is_remote(settings)
    found = [
        Check("stores", "tables", partial(tables, settings, writing=writing), remote_tables),
        Check("stores", "tracking", partial(runs, settings, writing=writing), remote_runs),
    ]
    if remote_runs:
        found.append(Check("stores", "clock", partial(clock, [f"{_server(settings)}/health"])))
    return found


def is_remote(settings: Settings) -> bool:
    return settings.tracking_uri.startswith(("http://", "https://"))


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
    found = list(mlflow(_server(settings), _login(settings))) if is_remote(settings) else []
    yield from found
    if any(finding.level == "error" for finding in found):
        return
    from rookery.stores.tracking import Tracking

    tracking = Tracking(settings)
    if writing:
        yield _write_run(tracking)
    yield from aliases(tracking, _models(settings))
    if is_remote(settings):
        yield from locations(tracking)


def _login(settings: Settings) -> tuple[str, str] | None:
    user, password = settings.mlflow_tracking_username, settings.mlflow_tracking_password
    return (user, password.get_secret_value()) if user and password else None


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
    """Experiments whose files do not go through the server: each client needs the store's keys."""
    with tracking.answering():
        found = tracking.client.search_experiments(max_results=1000)
    for experiment in found:
        if not experiment.artifact_location.startswith(("mlflow-artifacts:", "http")):
            yield warning(
                f"the experiment {experiment.name!r} keeps its files at "
                f"{experiment.artifact_location.rpartition('@')[2]}, past the server",
                "an experiment keeps its place: use a new one (EXPERIMENT_NAME=…)",
                "experiments",
            )


def are_unused(settings: Settings) -> bool:
    """Whether nothing was ever done here in the embedded mode."""
    return not is_remote(settings) and not settings.database_url and not settings.home.exists()
