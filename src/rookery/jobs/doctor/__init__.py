"""What is wrong with this project, and how to mend it."""

from collections.abc import Sequence
from functools import partial

from rookery.errors import RookeryError
from rookery.extras import is_installed
from rookery.jobs.doctor import configuration, libraries, machine, stores
from rookery.jobs.doctor.findings import Check, Finding, collect
from rookery.jobs.doctor.ports import Port, ports
from rookery.settings import Settings, get_settings, project_root

__all__ = ["Check", "Finding", "collect", "port_checks", "project_checks"]


def project_checks(*, used_embedded: bool = True) -> list[Check]:
    """What to look at; without `used_embedded`, no files are made where there are none."""
    found = [
        Check("machine", "python", machine.python),
        Check("machine", "libraries", libraries.libraries),
        Check("machine", "serving", libraries.serving),
        Check("machine", "memory", machine.memory),
        Check("machine", "localhost", machine.localhost),
        Check("settings", ".env", partial(configuration.names_in_dotenv, project_root())),
        Check("settings", "settings", configuration.in_force),
    ]
    try:
        settings = get_settings()
    except RookeryError:  # which the last check says
        return found
    found.append(Check("machine", "disk", partial(machine.disk, settings)))
    found.append(Check("settings", "proxy", partial(configuration.proxies, _asked(settings))))
    # without the jobs, as in the container of the API, nothing is trained or written
    jobs = is_installed("jobs")
    if jobs:
        found.append(Check("settings", "tasks", partial(configuration.tasks, settings)))
    if used_embedded or not stores.are_unused(settings):
        found += stores.checks(settings, writing=jobs)
    return found


def port_checks() -> list[Check]:
    """The ports of the embedded mode's servers."""
    try:
        api = get_settings().api_port
    except RookeryError:
        return []
    wanted = [
        Port("API_PORT", api, "the API"),
        Port("--mlflow-port", 5005, "MLflow"),
        Port("--jupyter-port", 8888, "JupyterLab"),
    ]
    return [Check("ports", "ports", partial(ports, wanted))]


def _asked(settings: Settings) -> Sequence[str]:
    """The servers that clients here ask."""
    own = f"http://localhost:{settings.api_port}"
    return [settings.tracking_uri, own] if settings.is_remote else [own]
