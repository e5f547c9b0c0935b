"""Where artifacts may lie: with the tracking server, in the project's own folders, or in the
container that ARTIFACTS_DESTINATION names."""

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
    remote = settings.is_remote
    if _with_server(uri, settings.tracking_uri) if remote else _in_project(uri, settings):
        return
    if settings.azure and settings.azure[0].holds(uri):
        return
    shown = uri.rpartition("@")[2]  # without a user and password in it
    raise Refused(
        f"the files at {shown} are not fetched: they lie elsewhere",
        field="artifact_uri",
        value=shown,
        allowed=_allowed(settings),
    )


def on_this_disk(uri: str) -> Path | None:
    """What the address names, if that is a folder or file of this host."""
    found = urlsplit(uri)
    if found.scheme not in ("", "file") or found.netloc not in ("", "localhost"):
        return None
    return Path(unquote(found.path) if found.scheme else uri).resolve()


def _allowed(settings: Settings) -> str:
    below = f", or below {settings.azure[0].uri}" if settings.azure else ""
    if settings.is_remote:
        return f"artifacts served by {settings.tracking_uri} (mlflow-artifacts:/…){below}"
    return f"folders below {settings.home / 'artifacts'}, or an mlruns of the project{below}"


def _with_server(uri: str, tracking: str) -> bool:
    found, server = urlsplit(uri), urlsplit(tracking)
    if found.scheme == "mlflow-artifacts":
        return not found.netloc or found.netloc == server.netloc
    return (found.scheme, found.netloc) == (server.scheme, server.netloc)


def _in_project(uri: str, settings: Settings) -> bool:
    path = on_this_disk(uri)
    if path is None:
        return False
    root = project_root().resolve()
    # where plain MLflow puts the files of an experiment that it makes itself
    own = path.is_relative_to(root) and "mlruns" in path.relative_to(root).parts
    return own or path.is_relative_to((settings.home / "artifacts").resolve())
