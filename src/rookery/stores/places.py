"""Where artifacts may lie: with the tracking server, or in the project's own folders."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from rookery.errors import Refused
from rookery.settings import Settings, project_root


def check_place(uri: str, settings: Settings) -> None:
    """Refuses the address of an artifact that lies elsewhere.

    Who can write the registry can name any address there, and MLflow would send the user and
    password of the tracking server to it, or read any file of this host.

    Raises:
        Refused: naming the address and what is allowed.
    """
    remote = settings.tracking_uri.startswith(("http://", "https://"))
    if _with_server(uri, settings.tracking_uri) if remote else _in_project(uri, settings):
        return
    shown = uri.rpartition("@")[2]  # without a user and password in it
    raise Refused(
        f"the files at {shown} are not fetched: they lie elsewhere",
        field="artifact_uri",
        value=shown,
        allowed=f"artifacts served by {settings.tracking_uri} (mlflow-artifacts:/…)"
        if remote
        else f"folders below {settings.home / 'artifacts'}, or an mlruns of the project",
    )


def _with_server(uri: str, tracking: str) -> bool:
    found, server = urlsplit(uri), urlsplit(tracking)
    if found.scheme == "mlflow-artifacts":
        return not found.netloc or found.netloc == server.netloc
    return (found.scheme, found.netloc) == (server.scheme, server.netloc)


def _in_project(uri: str, settings: Settings) -> bool:
    found = urlsplit(uri)
    if found.scheme not in ("", "file") or found.netloc not in ("", "localhost"):
        return False
    path = Path(unquote(found.path) if found.scheme else uri).resolve()
    root = project_root().resolve()
    # where plain MLflow puts the files of an experiment that it makes itself
    own = path.is_relative_to(root) and "mlruns" in path.relative_to(root).parts
    return own or path.is_relative_to((settings.home / "artifacts").resolve())
