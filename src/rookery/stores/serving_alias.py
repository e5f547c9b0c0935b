"""Which version carries the serving alias, asked without MLflow's client.

Importing it takes seconds and more memory than all else together, which a server that is in step
with the registry need not have. Whatever is not as expected here is left to the client, which meets
it too and says so.

Source: MLflow's REST API (`registered-models/alias`), and the tables of its SQL store.
"""

import sqlite3
from contextlib import closing
from functools import cache

import requests
from requests.adapters import HTTPAdapter

from rookery.settings import Settings

SECONDS = 5
# as the client finds it; a workspace of MLflow's may have the same names again
QUERY = """
select version.version, version.creation_time
from registered_models model
join registered_model_aliases alias on alias.workspace = model.workspace and alias.name = model.name
join model_versions version on version.workspace = model.workspace
  and version.name = model.name and version.version = alias.version
where model.workspace = 'default' and model.name = ? and alias.alias = ?
  and version.current_stage != 'Deleted_Internal'
"""


def carrying(settings: Settings, name: str) -> tuple[str, int] | None:
    """Number of the version, and when it was registered; None where the client must be asked."""
    ask = _server if settings.is_remote else _file
    try:
        number, registered = ask(settings, name)
        return str(number), int(registered)
    except Exception:  # folders that are gone, certificates, numbers too large: the client's words
        return None


def _server(settings: Settings, name: str) -> tuple[str, int]:
    user, password = settings.mlflow_tracking_username, settings.mlflow_tracking_password
    answer = _session().get(
        f"{settings.tracking_uri.rstrip('/')}/api/2.0/mlflow/registered-models/alias",
        params={"name": name, "alias": settings.model_alias},
        auth=(user, password.get_secret_value()) if user and password else None,
        timeout=SECONDS,
        allow_redirects=False,
    )
    if answer.status_code != 200:
        raise ValueError("no answer")
    version = answer.json()["model_version"]
    return version["version"], version["creation_timestamp"]


@cache
def _session() -> requests.Session:
    """Kept: a new connection reads the authorities and shakes hands, for 20 times as long."""
    session = requests.Session()
    again = HTTPAdapter(max_retries=1)  # the server may just have closed what lay idle
    session.mount("http://", again)
    session.mount("https://", again)
    return session


def _file(settings: Settings, name: str) -> tuple[str, int]:
    place = settings.home / "mlflow.db"
    if settings.tracking_uri != f"sqlite:///{place}":
        raise ValueError("another database")
    with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as database:
        (found,) = database.execute(QUERY, (name, settings.model_alias))
    number, registered = found
    return number, registered
