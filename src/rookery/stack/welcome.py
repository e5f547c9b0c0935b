"""Says, once all is healthy, where everything is and how to get in."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from rookery.errors import Unavailable
from rookery.stack.oneshot import finish
from rookery.stack.settings import StackSettings, stack_settings

FIRST = "lab/tree/notebooks/01_ingest.ipynb"
WIDTHS = (13, 26, 11, 11)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the one-shot; the exit code says how it went."""
    parser = argparse.ArgumentParser(prog="python -m rookery.stack.welcome", description=__doc__)
    parser.add_argument("--keys", type=Path, default=Path("/run/keys"), help="default: /run/keys")
    keys = parser.parse_args(arguments).keys
    return finish(lambda: welcome(stack_settings(), _password(keys / "password")))


def _password(path: Path) -> str:
    """The human password, as the one-shot `keys` has stored it.

    Raises:
        Unavailable: there is none.
    """
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise Unavailable(
            f"there is no password at {path}", value=str(path), next="docker compose up keys"
        ) from None


def welcome(settings: StackSettings, password: str) -> str:
    """The addresses, the password and the next step, as plain text."""
    host = shown_host(settings)
    # none inside MLflow's link: with a user and password in it, every fetch of its page fails
    token = quote(password, safe="")
    lines = [
        "",
        "Rookery is up.",
        "",
        *(_row(*cells) for cells in addresses(settings, host)),
        "",
        "  user      admin",
        f"  password  {password}",
        "",
        "What the stores keep, user names and passwords (likewise for mysql and postgres):",
        '  docker compose exec minio sh -c "head /run/keys/*"',
        *open_ports(settings),
        "",
        "Next: open this notebook, run its cells with Shift+Enter, then 02, 03 and 04:",
        f"  http://{host}:{settings.jupyter_port}/{FIRST}?token={token}",
    ]
    return "\n".join(lines)


def shown_host(settings: StackSettings) -> str:
    """What a browser on this machine calls the address that the ports are bound to."""
    bound = settings.bind_address
    if bound.is_loopback or bound.is_unspecified:
        return "localhost"
    return str(bound) if bound.version == 4 else f"[{bound}]"


def addresses(settings: StackSettings, host: str) -> list[tuple[str, str, str, str, str]]:
    """Service, address, user, where the password is, and purpose."""
    web, ports = f"http://{host}", settings
    return [
        ("service", "address", "user", "password", "for"),
        ("JupyterLab", f"{web}:{ports.jupyter_port}", "-", "below", "notebooks (it says token)"),
        ("MLflow", f"{web}:{ports.mlflow_port}", "admin", "below", "runs, models, promotion"),
        ("API", f"{web}:{ports.api_port}/docs", "-", "-", "predictions"),
        ("MinIO console", f"{web}:{ports.minio_console_port}", "in minio", "in minio", "artifacts"),
        ("MinIO, S3", f"{web}:{ports.minio_port}", "in minio", "in minio", "the same by program"),
        ("MySQL", f"{host}:{ports.mysql_port}", "my_app_user", "in mysql", "my_app_db: tables"),
        ("Postgres", f"{host}:{ports.postgres_port}", "mlflow_user", "in postgres", "mlflow_db"),
    ]


def _row(*cells: str) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=False)]
    return "  ".join([*padded, cells[-1]])


def open_ports(settings: StackSettings) -> list[str]:
    """What to know where the ports are not bound to this machine alone."""
    bound = settings.bind_address
    if bound.is_loopback:
        return []
    return [
        "",
        f"warning: BIND_ADDRESS={bound}: the ports are open to the network, without encryption;",
        "  a firewall such as ufw does not close them. To close them: BIND_ADDRESS=127.0.0.1",
    ]


if __name__ == "__main__":
    sys.exit(main())
