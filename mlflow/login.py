"""Looks at passwords before MLflow does, in a thread.

MLflow looks at them in the event loop for its artifact routes: one new login stops all requests for
as long as Postgres takes to answer, and while Postgres is away a right password counts as wrong.
"""

import base64
import binascii
from typing import Any

import anyio
from mlflow.exceptions import MlflowException
from mlflow.server import auth
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response


def credentials(headers: Headers) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = decoded.partition(":")
    return (user, password) if colon and scheme.lower() == "basic" else None


async def refusal(user: str, password: str) -> Response | None:
    """What to answer instead; a right password is in MLflow's cache afterwards."""
    try:
        known = await anyio.to_thread.run_sync(auth._authenticate_cached, user, password)
    except MlflowException as error:
        return JSONResponse(
            {"error_code": error.error_code, "message": error.message},
            status_code=error.get_http_status_code(),
        )
    if known is None:
        return PlainTextResponse(
            "MLflow does not know this user with this password",
            status_code=401,
            headers={"WWW-Authenticate": 'Basic realm="mlflow"'},
        )
    return None


class Login:
    """ASGI middleware around MLflow's application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        app = self.app
        if scope["type"] == "http" and not auth.is_unprotected_route(scope["path"]):
            given = credentials(Headers(scope=scope))
            app = (given and await refusal(*given)) or app
        await app(scope, receive, send)
