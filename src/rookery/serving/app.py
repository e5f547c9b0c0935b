"""The model API as one ASGI application."""

import os
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline

import rookery
from rookery.errors import InputError
from rookery.serving import problems
from rookery.serving.answers import Health
from rookery.serving.hosts import KnownHosts, allowed_names
from rookery.serving.metrics import CONTENT_TYPE, MeasuredRequests, Metrics
from rookery.serving.routes import ModelRoutes
from rookery.serving.schema import Document
from rookery.serving.swap import Follower
from rookery.settings import Settings
from rookery.stores.tracking import Tracking


def create_app(settings: Settings) -> FastAPI:
    """The API for the models that the settings name; it starts without any of them loaded.

    Raises:
        InputError: a model's name cannot stand in a path, or an allowed host is none.
    """
    metrics, tracking = Metrics(), Tracking(settings)
    followers = [Follower(name, settings, tracking, metrics) for name in _names(settings)]
    # a prediction holds the interpreter most of its time: more threads than cores only queue
    executor = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="predict")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for follower in followers:
            follower.start()
        yield
        for follower in followers:
            follower.stop()
        executor.shutdown()

    app = FastAPIOffline(
        title="Rookery",
        version=rookery.__version__,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    app.add_middleware(KnownHosts, names=allowed_names(settings))
    app.add_middleware(MeasuredRequests, metrics=metrics)
    _add_common(app, metrics)
    places = {"": followers[0]} | {f"/models/{f.name}": f for f in followers}
    for prefix, follower in places.items():
        reloads = [follower] if prefix else followers
        routes = ModelRoutes(follower, settings, metrics, executor, reloads)
        app.include_router(routes.router(), prefix=prefix)
    app.openapi = Document(app, places, settings)  # type: ignore[method-assign]
    app.state.followers = followers
    return app


def _add_common(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/health", tags=["process"])
    async def health() -> Health:
        """200 while the process lives; /ready says whether it can answer."""
        return Health()

    @app.get(
        "/metrics",
        tags=["process"],
        response_class=Response,
        responses={
            200: {
                "content": {"text/plain": {"schema": {"type": "string"}}},
                "description": "Prometheus's text format",
            }
        },
    )
    async def read_metrics() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)


def _names(settings: Settings) -> list[str]:
    names = list(dict.fromkeys(settings.served_models))
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]*", name):
            raise InputError(
                f"MODEL_NAMES: {name!r} cannot stand in a path",
                field="MODEL_NAMES",
                value=name,
                allowed="letters, digits, blank and . _ -",
            )
    return names
