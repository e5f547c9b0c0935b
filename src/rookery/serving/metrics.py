"""What Prometheus reads, in a registry of the application's own."""

import time
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery.core.served import ServedModel

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})
# a prediction of one row takes 3 to 10 ms; batches and cold starts the rest
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests",
            "Requests answered.",
            ["method", "path", "status"],
            registry=self.registry,
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Seconds from the request's headers to the end of its answer.",
            ["method", "path"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.predictions = Counter(
            "predictions", "Rows predicted.", ["model", "version"], registry=self.registry
        )
        self.info = Gauge(
            "model_info",
            "1 for each model version that is loaded.",
            ["model", "version", "alias", "run_id"],
            registry=self.registry,
        )
        self.reloads = Counter(
            "model_reloads",
            "Attempts to load a version: loaded, refused (by the trust rule or its own example) "
            "or failed (a store did not answer).",
            ["model", "outcome"],
            registry=self.registry,
        )

    def count_reload(self, model: str, outcome: str) -> None:
        self.reloads.labels(model, outcome).inc()

    def count_predictions(self, model: ServedModel, rows: int) -> None:
        self.predictions.labels(model.name, model.version).inc(rows)

    def show_swap(self, old: ServedModel | None, new: ServedModel) -> None:
        """The information about the old version goes when the new one serves."""
        self.info.labels(*_identity(new)).set(1)
        if old is not None and _identity(old) != _identity(new):
            self.info.remove(*_identity(old))

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        # clients choose the word that stands for the method: labels must stay few
        known = method if method in METHODS else "other"
        self.requests.labels(known, path, str(status)).inc()
        self.duration.labels(known, path).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def _identity(model: ServedModel) -> tuple[str, str, str, str]:
    return model.name, model.version, model.alias, model.lineage.run_id or ""


class MeasuredRequests:
    """ASGI middleware that counts every request under its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500  # what the server answers when an exception passes through here

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - start
            self.metrics.count_request(scope["method"], _template(scope), status, seconds)


def _template(scope: Scope) -> str:
    """The route's path as it was declared; everything without one counts together."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "other"))
