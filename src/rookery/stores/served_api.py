"""A model API at an address: whether it lives, and what it answers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from rookery.errors import Refused, Unavailable

PAUSE_SECONDS = 0.02
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 30.0


def wait_healthy(
    address: str, seconds: float, has_ended: Callable[[], bool] = lambda: False
) -> bool:
    """Whether `/health` comes to answer 200 in time; False too once `has_ended` says so."""
    deadline = time.monotonic() + seconds
    look = time.monotonic() + LOOK_SECONDS
    with _session() as session:
        while time.monotonic() < deadline:
            try:
                if session.get(f"{address}/health", timeout=ANSWER_SECONDS).status_code == 200:
                    return True
            except requests.RequestException:  # it does not listen yet
                pass
            if time.monotonic() > look:
                if has_ended():
                    return False
                look = time.monotonic() + LOOK_SECONDS
            time.sleep(PAUSE_SECONDS)
    return False


def predict(address: str, record: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
    """What the API at an address answers to one record.

    Raises:
        Unavailable: nothing that can be read came back. Refused: it did not answer with 200.
    """
    headers = {"X-API-Key": key} if key else {}
    with _session() as session:
        try:
            answer = session.post(
                f"{address}/predict", json=dict(record), headers=headers, timeout=ANSWER_SECONDS
            )
            found = answer.json()
        except requests.RequestException as error:
            raise Unavailable(
                f"POST {address}/predict: no answer ({type(error).__name__})", field="predict"
            ) from error
    if answer.status_code == 200 and isinstance(found, dict):
        return found
    raise Refused(
        f"POST {address}/predict: {answer.status_code} {str(found)[:500]}",
        field="predict",
        value=answer.status_code,
        allowed=200,
    )


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy for the internet does not lead to a container
    return session
