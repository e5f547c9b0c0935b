"""Settings, `.env`, proxies and task files: what was asked for, before anything is reached."""

import re
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from requests.utils import get_environ_proxies

from rookery.errors import RookeryError
from rookery.jobs.doctor.findings import Finding, error, fine, warning
from rookery.settings import Settings, get_settings
from rookery.stores.taskfiles import read_task, task_names

ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
OFFERED = re.compile(r"^#?\s*([A-Z][A-Z0-9_]*)=", re.MULTILINE)
COMPOSE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
# Docker's own, such as COMPOSE_PROJECT_NAME, and the proxies that it passes on
FOREIGN = re.compile(r"(COMPOSE|DOCKER|BUILDKIT|BUILDX)_|\w+_PROXY$", re.IGNORECASE)


def in_force() -> Iterator[Finding]:
    settings = get_settings()
    yield fine(f"home {settings.home}, alias {settings.model_alias!r}")


def names_in_dotenv(root: Path) -> Iterator[Finding]:
    """Names in `.env` that nothing reads, which are mostly misspelt."""
    text = _text(root / ".env")
    known = {name.upper() for name in Settings.model_fields}
    known.update(OFFERED.findall(_text(root / ".env.example")))
    known.update(COMPOSE.findall(_text(root / "docker-compose.yaml")))
    yield from unknown(ASSIGNED.findall(text), known)


def unknown(names: Iterable[str], known: Collection[str]) -> Iterator[Finding]:
    for name in names:
        if name in known or FOREIGN.match(name):
            continue
        near = get_close_matches(name.upper(), known, n=1)
        mend = f"did you mean {near[0]}?" if near else "remove it; .env.example lists what is read"
        yield warning(f"nothing reads {name}", mend)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def proxies(addresses: Iterable[str]) -> Iterator[Finding]:
    """Requests to our own servers that a proxy from the environment would get."""
    for address in addresses:
        proxy = get_environ_proxies(address).get(address.partition(":")[0])
        if proxy:
            host = address.partition("://")[2].partition(":")[0]
            yield warning(
                f"requests to {address} go through the proxy {proxy.rpartition('@')[2]}",
                f"add {host} to NO_PROXY: NO_PROXY=localhost,127.0.0.1,mlflow,minio,fastapi,{host}",
            )


def tasks(settings: Settings) -> Iterator[Finding]:
    names = task_names(settings.tasks_folder)
    if not names:
        yield error(
            f"there is no task file in {settings.tasks_folder}",
            "run from the project's folder, or set ROOKERY_TASKS",
        )
    for name in names:
        try:
            task, _ = read_task(settings.tasks_folder, name)
            yield fine(f"{name}: {task.kind} of {task.target}")
        except RookeryError as failed:
            yield error(failed.message, failed.next or f"correct tasks/{name}.yaml")
