"""Counting which answers came true: those that were given, and those of the shadow."""

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rookery.serving.loaded import Loaded
from rookery.serving.metrics import JudgedCounts
from rookery.serving.shadow.shadow import Shadow
from rookery.serving.swap import Follower

if TYPE_CHECKING:  # SQLAlchemy, which a warm start does not wait for
    from rookery.stores.predictions import Prediction

ANSWERED, SHADOW = "answered", "shadow"


class Judges:
    """Holds outcomes against the answers of both versions; of any thread but the event loop."""

    def __init__(
        self,
        followers: Mapping[str, Follower],
        shadows: Mapping[str, Shadow],
        counts: JudgedCounts,
    ) -> None:
        self.followers = followers
        self.shadows = shadows
        self.counts = counts

    def judge(self, found: "Prediction", outcome: Any) -> None:
        """Counts an outcome; one that is no label of the model, or no number, counts nowhere."""
        follower = self.followers.get(found.model)
        loaded = follower.loaded if follower else None
        if loaded is None or not _is_possible(outcome, loaded):
            return
        is_regressor = loaded.description.labels is None
        count = self._add_error if is_regressor else self._add_right
        count((found.model, found.version, ANSWERED), found.output["prediction"], outcome)
        shadow = self.shadows.get(found.model)
        if shadow is None:
            return
        scored = shadow.answer(found.input, found.version, is_regressor=is_regressor)
        if scored is not None:
            count((found.model, scored.version, SHADOW), scored.label, outcome)

    def _add_right(self, labels: tuple[str, str, str], said: Any, outcome: Any) -> None:
        self.counts.answers.labels(*labels).inc()
        self.counts.right.labels(*labels).inc(bool(said == outcome))

    def _add_error(self, labels: tuple[str, str, str], said: Any, outcome: float) -> None:
        if not _is_number(said):  # an extrapolation may overflow, and one would spoil the sum
            return
        error = abs(float(said) - float(outcome))
        if math.isfinite(error):
            self.counts.answers.labels(*labels).inc()
            self.counts.errors.labels(*labels).inc(error)


def _is_possible(outcome: Any, loaded: Loaded) -> bool:
    known = loaded.description.labels
    if known is None:
        return _is_number(outcome)
    return any(type(one) is type(outcome) and one == outcome for one in known)


def _is_number(value: Any) -> bool:
    """Whether it is a finite one; JSON has whole numbers that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
