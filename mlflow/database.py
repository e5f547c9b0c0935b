"""Where the metadata database is, how its password is read, and the wait until it answers.

healthy.py imports this without site-packages (python -S), at every check: what comes from there,
and what a check has no need of, is imported where it is used.
"""

import os
import re
import time
from pathlib import Path

KEYS = Path("/run/keys")
CONFIG = Path(__file__).with_name("basic_auth.ini")
API_USER = "rookery_api"  # reads only; its password is in the key file api_password
DEADLINE_SECONDS = 60
PERMANENT = re.compile(
    r"authentication failed|does not exist|permission denied|no pg_hba.conf entry"
)


def key(name: str) -> str:
    """The secret in a key file.

    Raises:
        SystemExit: there is none, or it cannot be read.
    """
    path = KEYS / name
    try:
        secret = path.read_text(encoding="utf-8").strip()
        fault = "" if secret else "it is empty"
    except OSError as error:
        fault = error.strerror or type(error).__name__
    if fault:
        raise SystemExit(
            f"The key file {path} cannot be read: {fault}. It must hold one secret; the one-shot "
            "`keys` writes it: docker compose up keys"
        )
    return secret


def uri() -> str:
    import configparser

    config = configparser.ConfigParser(interpolation=None)
    config.read_string(CONFIG.read_text(encoding="utf-8"))
    return config["mlflow"]["database_uri"]


def use_password() -> None:
    """libpq finds the password in the environment, so that it stands in no URI and no log."""
    os.environ["PGPASSWORD"] = key("mlflow_user_password")


def connect(uri: str) -> None:
    """Waits until Postgres lets our user in.

    Raises:
        SystemExit: it has not in time, or refuses for a reason that waiting does not mend.
    """
    import psycopg2
    from sqlalchemy import make_url

    plain = make_url(uri).set(drivername="postgresql").render_as_string()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            psycopg2.connect(plain).close()
        except psycopg2.OperationalError as error:
            reason = " ".join(str(error).split())
            if PERMANENT.search(reason) or time.monotonic() > deadline:
                raise SystemExit(refusal(reason)) from None
            time.sleep(0.5)
        else:
            return


def refusal(reason: str) -> str:
    mend = (
        "The password in the key file mlflow_user_password is not the one that Postgres has: the "
        "volumes of keys and data belong to different stacks. Restore both from one backup"
        if "authentication failed" in reason
        else "See: docker compose logs postgres"
    )
    return f"Postgres does not let mlflow_user into mlflow_db: {reason}. {mend}"
