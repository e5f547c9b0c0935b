"""What is wrong here, and how to mend it."""

import importlib.metadata
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import psutil
import sqlalchemy as sa
from packaging.requirements import Requirement

from rookery.errors import RookeryError
from rookery.settings import Settings, get_settings, project_root
from rookery.stores.database import answering
from rookery.stores.tables import Tables
from rookery.stores.taskfiles import read_task, task_names

Level = Literal["ok", "warning", "error"]
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    check: str
    level: Level
    message: str
    mend: str | None = None


def doctor() -> list[Finding]:
    """Looks at everything, and goes on when something fails; raises nothing."""
    found = [_python(), *_libraries()]
    try:
        settings = get_settings()
    except RookeryError as error:
        return [*found, Finding("settings", "error", error.message, error.next)]
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _settings,
        _tasks,
        _tables,
        _tracking,
        _disk,
        _memory,
        _ports,
    ]
    for check in checks:
        try:
            found += check(settings)
        except RookeryError as error:
            allowed = f"{error.field}: {error.allowed}" if error.allowed else error.field
            found.append(_failed(check.__name__, error.message, allowed or error.next))
        except OSError as error:
            mend = "check the place and its rights, or set ROOKERY_HOME elsewhere"
            found.append(_failed(check.__name__, f"{error.strerror}: {error.filename}", mend))
    return found


def _failed(check: str, message: str, mend: str | None) -> Finding:
    return Finding(check.lstrip("_"), "error", message, mend)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"Python {version} at {sys.executable}")


def _libraries() -> Iterator[Finding]:
    """What is installed against what the package asks for."""
    wrong = 0
    for line in importlib.metadata.requires("rookery") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        if not requirement.specifier.contains(version, prereleases=True):
            wrong += 1
            yield Finding(
                "libraries",
                "error",
                f"{requirement.name} is {version}, {requirement.specifier} is needed",
                "make setup",
            )
    if not wrong:
        yield Finding("libraries", "ok", "every library has the version that is asked for")


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"home {settings.home}, alias {settings.model_alias!r}")


def _tasks(settings: Settings) -> Iterator[Finding]:
    names = task_names(settings.tasks_folder)
    if not names:
        yield Finding(
            "tasks",
            "error",
            f"there is no task file in {settings.tasks_folder}",
            "run from the project's folder, or set ROOKERY_TASKS",
        )
    for name in names:
        try:
            task, _ = read_task(settings.tasks_folder, name)
            yield Finding("tasks", "ok", f"{name}: {task.kind} of {task.target}")
        except RookeryError as error:
            yield Finding("tasks", "error", error.message, error.next)


def _tables(settings: Settings) -> Iterator[Finding]:
    tables = Tables(settings.tables_url)
    probe = sa.Table("rookery_doctor", sa.MetaData(), sa.Column("id", sa.Integer))
    engine = tables.engine.execution_options(writes=True)
    with answering(engine), engine.begin() as connection:
        probe.drop(connection, checkfirst=True)
        probe.create(connection)
        probe.drop(connection)
    place = engine.url.render_as_string(hide_password=True)
    yield Finding("tables", "ok", f"{place} answers and can be written")


def _tracking(settings: Settings) -> Iterator[Finding]:
    """Writes a run with a file and deletes it again: the only proof that both can be written."""
    from rookery.stores.folders import scratch
    from rookery.stores.tracking import Tracking

    tracking = Tracking(settings)
    experiment = tracking.experiment(settings.rookery_task)
    run_id = tracking.start_run(experiment, "doctor", {})
    with scratch() as place:
        (place / "probe.txt").write_text("written by rookery doctor\n", encoding="utf-8")
        tracking.log_file(run_id, place / "probe.txt")
    with tracking.answering():
        tracking.client.delete_run(run_id)
    yield Finding("tracking", "ok", f"{tracking.uri} takes runs and their files")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = settings.home if settings.home.exists() else project_root()
    free = shutil.disk_usage(place).free / GIB
    level: Level = "ok" if free > 2 else "error" if free < 0.2 else "warning"
    mend = None if level == "ok" else f"make room, or set ROOKERY_HOME elsewhere than {place}"
    yield Finding("disk", level, f"{free:.1f} GiB free at {place}", mend)


def _memory(settings: Settings) -> Iterator[Finding]:
    del settings
    free = psutil.virtual_memory().available / GIB
    level: Level = "ok" if free > 1 else "warning"
    mend = None if level == "ok" else "close programs, or: rookery sweep --jobs 1"
    yield Finding("memory", level, f"{free:.1f} GiB free", mend)


def _ports(settings: Settings) -> Iterator[Finding]:
    wanted = {settings.api_port: "the API (API_PORT)", 5005: "MLflow", 8888: "JupyterLab"}
    for port, use in wanted.items():
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if taken:
            yield Finding(
                "ports",
                "warning",
                f"port {port}, for {use}, is in use",
                "fine if that is Rookery; else stop it or choose another port",
            )
        else:
            yield Finding("ports", "ok", f"port {port}, for {use}, is free")
