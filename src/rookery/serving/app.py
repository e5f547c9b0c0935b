"""The model API as one ASGI application."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

import rookery
from rookery.errors import InputError
from rookery.serving import problems
from rookery.serving.answers import Health
from rookery.serving.asking import Asking
from rookery.serving.batching import Batcher
from rookery.serving.connections import Endpoint
from rookery.serving.direct import DirectOne
from rookery.serving.front import Front, Hot
from rookery.serving.hosts import KnownHosts, allowed_names
from rookery.serving.judged import Judges
from rookery.serving.keys import ApiKey
from rookery.serving.metrics import CONTENT_TYPE, Metrics
from rookery.serving.observed import Observed, ObservedRequests
from rookery.serving.packaged import PackagedModel
from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.prediction_routes import PredictionRoutes
from rookery.serving.predictions import PredictMany, PredictOne
from rookery.serving.protocol_routes import protocol_routes
from rookery.serving.routes import ModelRoutes
from rookery.serving.schema import Document
from rookery.serving.scoring import Infer, Invocations
from rookery.serving.shadow.follower import ShadowFollower
from rookery.serving.shadow.shadow import Shadow
from rookery.serving.swap import Follower
from rookery.settings import Settings, shared_metrics

REFRESH_SECONDS = 1.0


def create_app(settings: Settings) -> ASGIApp:
    """The API for the models that the settings name; it starts without any of them loaded.

    A packaged model is loaded here.

    Raises:
        InputError: a model's name cannot stand in a path, an allowed host is none, or MODEL_DIR
            holds no packaged model. Refused: that model may not be loaded.
    """
    metrics = Metrics()
    observed = Observed(metrics, log_requests=settings.api_log_requests)
    followers = _followers(settings, metrics)
    shadows = _shadows(settings, metrics)
    following: list[Follower | Shadow] = [*followers, *shadows.values()]
    # a prediction holds the interpreter most of its time: more threads than cores only queue
    executor = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="predict")

    log = _prediction_log(settings, metrics)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if log:
            log.start()
        for one in following:
            one.start()
        # one process alone refreshes when it is asked
        refreshing = asyncio.create_task(_refresh(metrics)) if shared_metrics() else None
        yield
        if refreshing:
            refreshing.cancel()
        for one in following:
            one.stop()
        executor.shutdown()
        if log:
            await asyncio.to_thread(log.stop)

    app = FastAPIOffline(
        title="Rookery",
        version=rookery.__version__,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
    )
    places = {"": followers[0]} | {f"/models/{f.name}": f for f in followers}
    asking = {
        f.name: _asking(f, settings, executor, metrics, log, shadows.get(f.name)) for f in followers
    }
    metrics.show(
        "prediction_rows_waiting",
        "Rows that wait for their predictions.",
        lambda: sum(each.batcher.waiting for each in asking.values()),
    )
    hot = _hot_paths({prefix: asking[f.name] for prefix, f in places.items()})
    problems.install(app)
    app.add_middleware(ObservedRequests, observed=observed)
    _add_common(app, metrics)
    for prefix, follower in places.items():
        reloads = [follower] if prefix else followers
        routes = ModelRoutes(follower, settings, reloads, shadows.get(follower.name))
        app.include_router(routes.router(), prefix=prefix)
    named = {f.name: f for f in followers}
    judges = Judges(named, shadows, metrics.judged)
    app.include_router(PredictionRoutes(named, settings, log, judges).router())
    app.include_router(protocol_routes(asking))
    app.openapi = Document(app, places, settings)  # type: ignore[method-assign]
    # around FastAPI, whose own layers cost more than a prediction; the host check is around all
    known = KnownHosts(Front(app, hot, observed), allowed_names(settings), observed)
    if not settings.api_key and not settings.api_log_requests:
        known.direct.update(_direct_paths(hot, known))
    return known


def _direct_paths(hot: Mapping[str, Hot], known: KnownHosts) -> dict[bytes, Endpoint]:
    return {
        path.encode(): DirectOne(one, path, known)
        for path, one in hot.items()
        if isinstance(one, PredictOne)
    }


def _hot_paths(places: Mapping[str, Asking]) -> dict[str, Hot]:
    """What is answered without a router; the protocols name the model themselves."""
    hot: dict[str, Hot] = {}
    for prefix, asking in places.items():
        hot[f"{prefix}/predict"] = PredictOne(asking)
        hot[f"{prefix}/predict/batch"] = PredictMany(asking)
        hot[f"{prefix}/invocations"] = Invocations(asking)
        hot[f"/v2/models/{asking.follower.name}/infer"] = Infer(asking)
    return hot


def _asking(
    follower: Follower,
    settings: Settings,
    executor: Executor,
    metrics: Metrics,
    log: PredictionLog | None,
    shadow: Shadow | None,
) -> Asking:
    onlooker = shadow.see if shadow else None
    return Asking(
        follower=follower,
        batcher=Batcher(executor, settings.api_most_waiting, metrics, onlooker),
        executor=executor,
        key=ApiKey(settings.api_key),
        most_bytes=settings.api_max_body_bytes,
        most_rows=settings.api_max_rows,
        metrics=metrics,
        log=log,
    )


def _followers(settings: Settings, metrics: Metrics) -> list[Follower]:
    place = settings.packaged_model
    if place is not None:
        return [PackagedModel(place, settings, metrics)]
    return [Follower(name, settings, metrics) for name in _names(settings)]


def _shadows(settings: Settings, metrics: Metrics) -> dict[str, Shadow]:
    """By the name of the model; none where SHADOW is not set."""
    if settings.shadow is None:
        return {}
    names = _names(settings)
    return {name: Shadow(ShadowFollower(name, settings, metrics), metrics) for name in names}


async def _refresh(metrics: Metrics) -> None:
    """Worker processes add up what each has written last."""
    while True:
        metrics.refresh()
        await asyncio.sleep(REFRESH_SECONDS)


def _prediction_log(settings: Settings, metrics: Metrics) -> PredictionLog | None:
    if not settings.prediction_log:
        return None
    log = PredictionLog(
        settings.cache / "spool", settings.tables_url, settings.prediction_spool_bytes
    )
    figures = {
        "prediction_log_written": ("Predictions handed to the disk.", lambda: log.written),
        "prediction_log_sent": ("Predictions written to the database.", lambda: log.sent),
        "prediction_log_lost": ("Predictions that are in neither.", lambda: log.lost),
        "prediction_spool_bytes": ("What waits for the database.", lambda: log.spool_bytes),
        "prediction_spool_oldest_seconds": (
            "The age of the oldest prediction that waits.",
            lambda: log.oldest_unsent_seconds,
        ),
    }
    for name, (says, value) in figures.items():
        metrics.show(name, says, value)
    return log


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
