"""Who may ask: API_KEY for predictions, API_ADMIN_TOKEN for reloads."""

import secrets
from collections.abc import Mapping

from pydantic import SecretStr

from rookery.serving.problems import Problem

BEARER = {"WWW-Authenticate": "Bearer"}


class ApiKey:
    """Lets everybody predict while no key is set."""

    def __init__(self, key: SecretStr | None) -> None:
        # `API_KEY=` is how a compose file leaves it unset
        self.key = key.get_secret_value().encode() if key else b""

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Lets those with the key pass.

        Raises:
            Problem: 401.
        """
        if not self.key:
            return
        given = headers.get(b"x-api-key") or bearer(headers)
        if not secrets.compare_digest(given, self.key):
            raise Problem(
                401,
                "this needs the API key, as `Authorization: Bearer …` or `X-API-Key: …`",
                headers=BEARER,
            )


def check_admin(headers: Mapping[bytes, bytes], token: SecretStr | None) -> None:
    """Lets nobody reload while no token is set.

    Raises:
        Problem: 403 without a token set, 401 for a wrong or missing one.
    """
    if token is None or not token.get_secret_value():
        raise Problem(
            403, "reloading is off: no API_ADMIN_TOKEN is set", next="set API_ADMIN_TOKEN"
        )
    # in a time that says nothing about how much of it is right
    if not secrets.compare_digest(bearer(headers), token.get_secret_value().encode()):
        raise Problem(
            401, "reloading needs `Authorization: Bearer` and API_ADMIN_TOKEN", headers=BEARER
        )


def bearer(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    return value.strip() if scheme.lower() == b"bearer" else b""
