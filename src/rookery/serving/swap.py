"""Following the registry: a new version is loaded beside the old one and swapped in whole."""

import gc
import logging
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from rookery.errors import NotPromoted, Refused, RookeryError, Unavailable
from rookery.serving.importing import import_loading, import_registry
from rookery.serving.loaded import Loaded, Via
from rookery.serving.looks import Failure, Look
from rookery.serving.metrics import Metrics
from rookery.serving.warm import WarmCache
from rookery.settings import Settings

if TYPE_CHECKING:  # seconds of imports, which a warm start does not wait for
    from mlflow.entities.model_registry import ModelVersion

    from rookery.stores.registry import Standing
    from rookery.stores.tracking import Tracking

LONGEST_PAUSE_SECONDS = 10.0
logger = logging.getLogger("rookery.serving")


class Follower:
    """Keeps one served model in step with the registry.

    One daemon thread does all the looking, so that a registry that hangs holds up neither a
    request nor the end of the process. `loaded`, `failure` and `warnings` are each replaced in
    one assignment and may be read from anywhere.
    """

    role = "serves"

    def __init__(self, name: str, settings: Settings, metrics: Metrics) -> None:
        self.name = name
        self.settings = settings
        self.metrics = metrics
        self.reloads = metrics.reloads
        self.warm = WarmCache(name, settings)
        self.loaded: Loaded | None = None
        self.failure: Failure | None = None
        self.warnings: tuple[str, ...] = ()
        self._refusal: tuple[tuple[str, int], Failure] | None = None
        self._following: Via | Literal["kept"] = "stage"
        self._stage_then: tuple[str, int] | None = None
        self._failed_looks = 0
        self._found_none = False
        self._told = False
        self._is_set_apart = False
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[Future[Look]] = []
        self._stopped = False

    @cached_property
    def tracking(self) -> "Tracking":
        """The registry; not for the event loop."""
        import_registry()
        from rookery.stores.tracking import Tracking

        return Tracking(self.settings)

    def start(self) -> None:
        """Serves what was served last, and begins to follow the registry."""
        self._serve_kept(self.warm.read())
        threading.Thread(target=self._follow, name=f"follow-{self.name}", daemon=True).start()

    def _serve_kept(self, kept: Loaded | None) -> None:
        if kept:
            self._serve(kept)
            self._following = kept.via

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def reload(self) -> "Future[Look]":
        """Asks for a look now, at a refused version too; several callers share one look."""
        future: Future[Look] = Future()
        with self._lock:
            self._waiting.append(future)
        self._wake.set()
        return future

    def lineage(self, version: str) -> dict[str, str | None]:
        """Run, link, digest and commit of any version, from the registry; not for the event loop.

        Raises:
            Unavailable: the registry does not answer. InputError: it has no such version.
        """
        found = self.loaded
        if found is not None and found.description.version == version:
            lineage, link = found.description.lineage, found.link
        else:
            import_loading()
            from rookery.stores.versions import lineage_of

            lineage, link = lineage_of(self.tracking, self.name, version)
        return {
            "run_id": lineage.run_id,
            "run_link": link,
            "digest": lineage.digest,
            "commit": lineage.commit,
        }

    def why_not(self) -> RookeryError:
        """Why nothing answers yet, and what to do."""
        if self.failure is not None:
            return self.failure.error
        if self._found_none:
            return NotPromoted.of(self.name, self.settings.model_alias)
        return Unavailable(
            f"{self.name} is being looked up and loaded; it takes some seconds",
            next="GET /ready says when it answers",
        )

    def _follow(self) -> None:
        if self.loaded is None:
            self._serve_kept(self.warm.read_folder())
        while not self._stopped:
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            look = self.look(forced=bool(waiting))
            for future in waiting:
                if future.set_running_or_notify_cancel():
                    future.set_result(look)
            self._set_apart_what_stays()
            self._wake.wait(self._pause())
        for future in self._waiting:
            future.cancel()

    def _set_apart_what_stays(self) -> None:
        """Once a model is loaded: objects of libraries, by the hundred thousand.

        The collector would look at all of them again and again, in the middle of a request; and
        counting what is set apart takes tens of milliseconds, so that is remembered.
        """
        if self.loaded is not None and not self._is_set_apart:
            self._is_set_apart = True
            gc.collect()
            gc.freeze()

    def _pause(self) -> float:
        """Longer after each look that failed, so that a store in trouble is not pressed."""
        pause = self.settings.reload_seconds
        return max(pause, min(pause * 2.0**self._failed_looks, LONGEST_PAUSE_SECONDS))

    def look(self, *, forced: bool = False) -> Look:
        """Brings what serves in step with the registry; whatever fails leaves it as it is."""
        version: ModelVersion | None = None
        try:
            if self.loaded is not None and not forced and self._is_in_step(self.loaded):
                return self._settled("unchanged", self.loaded.description.version)
            wanted = self._wanted()
            self._found_none = wanted is None
            if wanted is None:
                self._tell_once()
                return self._settled("unchanged", None)
            version, via = wanted
            return self._take(version, via, forced=forced)
        except RookeryError as error:
            return self._failed(version, error)
        except Exception as error:
            logger.exception("%s: an unexpected error while following the registry", self.name)
            unexpected = Unavailable(
                f"following the registry failed with {type(error).__name__}; the log has its words",
                next="rookery doctor",
            )
            return self._failed(version, unexpected)

    def _is_in_step(self, loaded: Loaded) -> bool:
        """Whether the alias is known to be where it was, without an import of MLflow for that."""
        if self._following != "alias" or "tracking" in self.__dict__:
            return False
        from rookery.stores.serving_alias import carrying

        return carrying(self.settings, self.name) == loaded.identity

    def _tell_once(self) -> None:
        if self.loaded is None and not self._told:
            self._told = True
            nothing = NotPromoted.of(self.name, self.settings.model_alias)
            logger.info("%s; next: %s", nothing.message, nothing.next)

    def _take(self, version: "ModelVersion", via: Via, *, forced: bool) -> Look:
        if self.loaded is not None and self.loaded.identity == _identity(version):
            if self.loaded.via != via or forced:
                self.loaded = replace(self.loaded, via=via)
                self._look_at_aliases(via)
            return self._settled("unchanged", str(version.version))
        if self._refusal and self._refusal[0] == _identity(version) and not forced:
            self.failure, self._failed_looks = self._refusal[1], 0
            return Look("refused", self.failure.version, self.failure)
        new = self._load(version, via)
        self._look_at_aliases(via)
        self._serve(new)
        self.reloads.labels(self.name, "loaded").inc()
        self.warm.keep(new, lambda to: self.tracking.download(self.tracking.model_uri(version), to))
        return self._settled("loaded", new.description.version)

    def _serve(self, new: Loaded) -> None:
        old, self.loaded = self.loaded, new
        self.metrics.show_swap(old, new)
        path, why = new.predictor.path, new.predictor.why
        logger.info(
            "%s: version %s %s (%s%s)",
            self.name,
            new.description.version,
            self.role,
            path,
            f", because {why}" if why else "",
        )

    def _load(self, version: "ModelVersion", via: Via) -> Loaded:
        import_loading()
        from rookery.serving.loading import load

        return load(self.tracking, version, via)

    def _wanted(self) -> "tuple[ModelVersion, Via] | None":
        """The version to serve; None where there is none, or what is loaded is to be kept.

        One request as long as nothing changes. After the alias is gone, what is loaded stays
        until the alias comes back or somebody moves the stage.
        """
        if self._following == "alias":
            version = self.tracking.aliased(self.name)
            if version is not None:
                return version, "alias"
        standing = self.tracking.standing(self.name)
        if self.settings.model_alias in standing.aliases:
            version = self.tracking.aliased(self.name)
            if version is not None:
                self._following = "alias"
                return version, "alias"
        return self._without_alias(standing)

    def _without_alias(self, standing: "Standing") -> "tuple[ModelVersion, Via] | None":
        staged = standing.staged
        identity = _identity(staged) if staged else None
        if self._following == "alias":
            logger.warning("%s: the alias %r is gone", self.name, self.settings.model_alias)
            self._following, self._stage_then = "kept" if self.loaded else "stage", identity
        elif self._following == "kept" and identity != self._stage_then:
            self._following = "stage"
        self.warnings = self._about_aliases(standing, without=True)
        return (staged, "stage") if staged and self._following == "stage" else None

    def _look_at_aliases(self, via: Via) -> None:
        standing = self.tracking.standing(self.name)
        self.warnings = self._about_aliases(standing, without=via == "stage")

    def _about_aliases(self, standing: "Standing", *, without: bool) -> tuple[str, ...]:
        alias, kept = self.settings.model_alias, self._following == "kept"
        found = tuple(
            f"the alias {other!r} differs from {alias!r} in case and is not followed"
            for other in standing.aliases_in_another_case(alias)
        )
        if not without:
            return found
        now = "what is loaded keeps serving" if kept else "the stage Production is followed"
        return (f"no version carries the alias {alias!r}; {now}", *found)

    def _settled(self, outcome: Literal["unchanged", "loaded"], version: str | None) -> Look:
        if self.failure is not None:
            logger.info("%s: in step with the registry again", self.name)
        self.failure, self._refusal, self._failed_looks = None, None, 0
        return Look(outcome, version, None)

    def _failed(self, version: "ModelVersion | None", error: RookeryError) -> Look:
        """Notes a failure; the log gets it once, however often it happens again."""
        number = str(version.version) if version else None
        failure = Failure(number, error, datetime.now(UTC))
        if self.failure is None or self.failure.error.message != error.message:
            logger.warning("%s: %s (%s)", self.name, error.message, self._what_stays())
        outcome: Literal["refused", "failed"] = "failed"
        if isinstance(error, Refused) and version is not None:
            # the same bytes would be refused again: wait for the registry or /reload
            outcome, self._refusal = "refused", (_identity(version), failure)
        self._failed_looks = min(self._failed_looks + 1, 10) if outcome == "failed" else 0
        self.reloads.labels(self.name, outcome).inc()
        self.failure = failure
        return Look(outcome, number, failure)

    def _what_stays(self) -> str:
        if self.loaded is None:
            return "nothing serves yet"
        return f"version {self.loaded.description.version} keeps serving"


def _identity(version: "ModelVersion") -> tuple[str, int]:
    return str(version.version), int(version.creation_timestamp)
