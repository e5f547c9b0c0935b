"""Telling the API of a promotion, and keeping in the ledger whether it took it."""

from rookery.errors import Unavailable
from rookery.jobs.project import Project
from rookery.stores.ledger import TAKEN, UNTAKEN, untaken


def tell_api(project: Project, version: str) -> str | None:
    """Has the API at `API_URL` take a version; says what came of it, None where none is named.

    Raises:
        Unavailable: it did not take it. The ledger says so, and the next promotion repeats it.
    """
    settings, name, ledger = project.settings, project.task.name, project.ledger
    if settings.api_url is None:
        return None
    from rookery.stores.model_api import make_api_take

    owed = untaken(ledger.entries(name))
    try:
        served = make_api_take(settings, name, version)
    except Unavailable as error:
        if owed is None or owed.to_version != version:
            reason = f"{UNTAKEN}: {error.message}"
            ledger.record(name, version, version, "failed", reason)
        raise
    if owed is not None:
        ledger.record(name, version, version, "done", f"{TAKEN} ({settings.api_url})")
    return (
        f"{settings.api_url} answers with version {version}"
        if served
        else (f"{settings.api_url} does not serve {name}")
    )


def tell_again(project: Project) -> None:
    """Repeats what the API has not taken, where there is such a thing.

    Raises:
        Unavailable: it did not take it this time either.
    """
    current = project.tracking.production(project.task.name)
    if current is not None and untaken(project.ledger.entries(project.task.name)):
        tell_api(project, current)
