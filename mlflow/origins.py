"""Refuses pages of other origins, those of this machine's other ports among them.

MLflow takes every page of localhost for its own. A browser sends the login that it has stored with
what such a page asks, be it a notebook's output or somebody's development server.
"""

from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse


class OwnPages:
    """ASGI middleware around the whole server; who sends no `Origin` is no page."""

    def __init__(self, app: Any, origins: Collection[str]) -> None:
        self.app = app
        self.origins = frozenset(origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        app = self.app
        if scope["type"] == "http":
            origin = Headers(scope=scope).get("origin")
            if origin is not None and origin not in self.origins:
                app = PlainTextResponse(
                    f"MLflow answers no page of {origin}; MLFLOW_ALLOWED_HOSTS names those it does",
                    status_code=403,
                )
        await app(scope, receive, send)
