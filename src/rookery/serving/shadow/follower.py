"""Following the alias of the version that is compared."""

import logging
from typing import TYPE_CHECKING

from rookery.errors import RookeryError
from rookery.serving.loaded import Via
from rookery.serving.looks import Look
from rookery.serving.metrics import Metrics
from rookery.serving.swap import Follower
from rookery.serving.warm import WarmCache
from rookery.settings import Settings

if TYPE_CHECKING:  # seconds of imports, which a warm start does not wait for
    from mlflow.entities.model_registry import ModelVersion

logger = logging.getLogger("rookery.serving")


class ShadowFollower(Follower):
    """Follows `SHADOW` as the API follows its alias, with the same trust rule and proof.

    Nobody waits for its answers, so it lets go where the other keeps what it has: when the alias
    is gone, or names a version that is refused.
    """

    role = "is compared as shadow"

    def __init__(self, name: str, settings: Settings, metrics: Metrics) -> None:
        own = settings.model_copy(update={"model_alias": settings.shadow})
        super().__init__(name, own, metrics)
        self.reloads = metrics.shadow.reloads
        self.warm = WarmCache(name, own, "shadow")

    def _wanted(self) -> "tuple[ModelVersion, Via] | None":
        version = self.tracking.aliased(self.name)
        if version is None:
            self._let_go()
            return None
        return version, "alias"

    def _failed(self, version: "ModelVersion | None", error: RookeryError) -> Look:
        look = super()._failed(version, error)
        if look.outcome == "refused":
            self._let_go()
        return look

    def _let_go(self) -> None:
        old, self.loaded = self.loaded, None
        if old is not None:
            self.warm.forget()  # or a start while MLflow is away would compare it again
            self.metrics.show_gone(old)
            logger.info("%s: the shadow, version %s, is gone", self.name, old.description.version)

    def _tell_once(self) -> None:
        if not self._told:
            self._told = True
            logger.info(
                "%s: no version carries the alias %r, so that none is compared as shadow",
                self.name,
                self.settings.model_alias,
            )

    def _what_stays(self) -> str:
        return "of the shadow: what answers is not touched"
