"""What Prometheus reads, in a registry of the application's own."""

from collections.abc import Callable
from functools import cache
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from rookery.serving.loaded import Loaded
from rookery.settings import shared_metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})
# a compiled prediction takes a tenth of a millisecond, one by scikit-learn 3 to 10
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


class ShadowCounts:
    """What is counted of rows that a second version scores besides the one that answers.

    `version` is the one that answered, `shadow` the one that was scored with.
    """

    def __init__(self, counter: Callable[..., Counter]) -> None:
        compared = ("model", "version", "shadow")
        self.rows = counter("shadow_rows", "Rows that both versions answered.", *compared)
        self.agreements = counter(
            "shadow_agreements", "Rows that two classifiers gave the same label.", *compared
        )
        self.differences = counter(
            "shadow_absolute_difference",
            "The sum over rows of how far the numbers of two regressors are apart.",
            *compared,
        )
        self.skipped = counter(
            "shadow_rows_skipped",
            "Rows that were not compared: dropped (too many waited), not_comparable (the shadow "
            "does not take them, or answers another kind of question) or no_answer (it failed).",
            "model",
            "reason",
        )
        self.reloads = counter(
            "shadow_reloads",
            "Attempts to load a version as shadow: loaded, refused or failed.",
            "model",
            "outcome",
        )


class JudgedCounts:
    """What is counted of answers that got feedback, by what `version` was: answered or shadow."""

    def __init__(self, counter: Callable[..., Counter]) -> None:
        judged = ("model", "version", "role")
        self.answers = counter(
            "judged_answers",
            "Outcomes that were given as feedback, for the version that answered and, scored "
            "afterwards, for the shadow.",
            *judged,
        )
        self.right = counter("judged_right", "Of them, those that a classifier had said.", *judged)
        self.errors = counter(
            "judged_absolute_error", "The sum of how far a regressor was from them.", *judged
        )


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = self._counter(
            "http_requests", "Requests answered.", "method", "path", "status"
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Seconds from the request's headers to the end of its answer.",
            ["method", "path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.predictions = self._counter("predictions", "Rows predicted.", "model", "version")
        self.batch_rows = Histogram(
            "prediction_batch_rows",
            "Rows predicted in one call of a model.",
            buckets=ROWS,
            registry=self.registry,
        )
        self.info = Gauge(
            "model_info",
            "1 for each model version that is loaded.",
            ["model", "version", "alias", "run_id", "path"],
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        self.reloads = self._counter(
            "model_reloads",
            "Attempts to load a version: loaded, refused (by the trust rule or its own example) "
            "or failed (a store did not answer).",
            "model",
            "outcome",
        )
        self.shadow = ShadowCounts(self._counter)
        self.judged = JudgedCounts(self._counter)
        self.uncompiled = self._counter(
            "model_not_compiled",
            "Versions loaded that scikit-learn itself answers for; /model says why.",
            "model",
        )
        self._figures: list[tuple[Gauge, Callable[[], float]]] = []
        # looking a label up costs as much as counting
        self._requests = cache(self.requests.labels)
        self._durations = cache(self.duration.labels)
        self._predictions = cache(self.predictions.labels)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(name, says, labels, registry=self.registry)

    def show(self, name: str, says: str, value: Callable[[], float]) -> None:
        """A figure that is looked at when Prometheus reads; by worker processes every second."""
        mode: Literal["livemax", "livesum"] = "livemax" if "oldest" in name else "livesum"
        self._figures.append(
            (Gauge(name, says, registry=self.registry, multiprocess_mode=mode), value)
        )

    def refresh(self) -> None:
        for gauge, value in self._figures:
            gauge.set(value())

    def count_predictions(self, loaded: Loaded, rows: int) -> None:
        self._predictions(loaded.description.name, loaded.description.version).inc(rows)

    def show_swap(self, old: Loaded | None, new: Loaded) -> None:
        """The information about the old version goes when the new one serves."""
        self.info.labels(*_identity(new)).set(1)
        if old is not None and _identity(old) != _identity(new):
            self.show_gone(old)
        if new.predictor.path == "pipeline":
            self.uncompiled.labels(new.description.name).inc()

    def show_gone(self, old: Loaded) -> None:
        # worker processes cannot take a label back, only say 0
        self.info.labels(*_identity(old)).set(0)
        if not _of_many():
            self.info.remove(*_identity(old))

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        # clients choose the word that stands for the method: labels must stay few
        known = method if method in METHODS else "other"
        self._requests(known, path, str(status)).inc()
        self._durations(known, path).observe(seconds)

    def text(self) -> bytes:
        """All of it; of several worker processes, their sums."""
        self.refresh()
        if not _of_many():
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _of_many() -> bool:
    return shared_metrics() is not None


def _identity(loaded: Loaded) -> tuple[str, str, str, str, str]:
    one = loaded.description
    run = one.lineage.run_id or ""
    return one.name, one.version, loaded.alias or "", run, loaded.predictor.path
