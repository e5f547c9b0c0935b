"""Who may ask: API_KEY for predictions, API_ADMIN_TOKEN for reloads."""

import secrets

from fastapi import Request
from pydantic import SecretStr

from rookery.serving.problems import Problem

BEARER = {"WWW-Authenticate": "Bearer"}


def check_api_key(request: Request, key: SecretStr | None) -> None:
    """Lets everybody predict while no key is set.

    Raises:
        Problem: 401.
    """
    if (
        key is None or not key.get_secret_value()
    ):  # `API_KEY=` is how a compose file leaves it unset
        return
    given = request.headers.get("x-api-key") or _bearer(request)
    if not _equal(given, key):
        raise Problem(
            401,
            "predictions need the API key, as `Authorization: Bearer …` or `X-API-Key: …`",
            headers=BEARER,
        )


def check_admin(request: Request, token: SecretStr | None) -> None:
    """Lets nobody reload while no token is set.

    Raises:
        Problem: 403 without a token set, 401 for a wrong or missing one.
    """
    if token is None or not token.get_secret_value():
        raise Problem(
            403, "reloading is off: no API_ADMIN_TOKEN is set", next="set API_ADMIN_TOKEN"
        )
    if not _equal(_bearer(request), token):
        raise Problem(
            401, "reloading needs `Authorization: Bearer` and API_ADMIN_TOKEN", headers=BEARER
        )


def _bearer(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _equal(given: str, secret: SecretStr) -> bool:
    """In a time that says nothing about how much of it is right."""
    # headers arrive as latin-1, whatever was meant
    return secrets.compare_digest(given.encode("latin-1"), secret.get_secret_value().encode())
