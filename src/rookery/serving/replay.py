"""An old request, answered again by the version that answered it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from rookery.core.records import InvalidRecords
from rookery.errors import InputError, Refused
from rookery.serving.prediction_log.reading import find_prediction
from rookery.serving.prediction_log.spool import Spool
from rookery.settings import Settings, get_settings
from rookery.stores.predictions import Prediction, UnknownPrediction
from rookery.stores.tracking import Tracking
from rookery.stores.versions import LoadedVersion, load_version

# what the API answers with was proven to be as near to the pipeline, which answers here
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Replay:
    """An answer from the log and the same version's today; `largest_gap` is between numbers."""

    id: str
    at: datetime
    model: str
    version: str
    input: dict[str, Any]
    then: dict[str, Any]
    now: dict[str, Any]
    equal: bool
    largest_gap: float
    tolerance: float


def replay(prediction_id: str) -> Replay:
    """Asks the version that answered a prediction the same again.

    Labels must be equal; probabilities, and the numbers of a regressor, within 1e-9.

    Raises:
        InputError: no prediction has that id, or its version is gone. Refused: its model may not be
            loaded, or has no answer to the record. Unavailable: a store failed.
    """
    settings = get_settings()
    found = _logged(settings, prediction_id)
    tracking = Tracking(settings)
    _require_same(tracking.version(found.model, found.version), found)
    loaded = load_version(tracking, found.model, found.version)
    now = _again(loaded, found)
    same, gap = _compare(found.output, now)
    return Replay(
        id=found.id,
        at=found.at,
        model=found.model,
        version=found.version,
        input=found.input,
        then=found.output,
        now=now,
        equal=same and gap <= TOLERANCE,
        largest_gap=gap,
        tolerance=TOLERANCE,
    )


def _logged(settings: Settings, prediction_id: str) -> Prediction:
    spool = Spool(settings.cache / "spool")
    found = find_prediction(spool.find, settings.tables_url, prediction_id)
    if found is None:
        raise UnknownPrediction(
            f"there is no prediction {prediction_id!r}",
            field="PREDICTION_ID",
            value=prediction_id,
            allowed="the id of an answer of the API, as long as the prediction is kept "
            "(PREDICTION_LOG, PREDICTION_LOG_DAYS)",
        )
    return found


def _require_same(version: ModelVersion, found: Prediction) -> None:
    """A version's number can come again after a deletion."""
    made = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    if made > found.at:
        raise InputError(
            f"version {found.version} of {found.model} was made at {made:%Y-%m-%d %H:%M:%S}, after "
            f"the answer ({found.at:%Y-%m-%d %H:%M:%S}): the one that answered was deleted",
            field="version",
            value=found.version,
            allowed="a version that is still there",
        )


def _again(loaded: LoadedVersion, found: Prediction) -> dict[str, Any]:
    description = loaded.description
    try:
        rows = description.reader(strict=False).rows([found.input])
    except InvalidRecords as error:
        raise Refused(
            f"version {found.version} of {found.model} does not take the record any more: {error}",
            field=error.faults[0].field,
            value=error.faults[0].value,
            allowed=error.faults[0].allowed,
        ) from None
    labels, scores = loaded.answers(rows)
    return description.answer(labels[0], scores[0] if scores else None, found.id)


def _compare(then: dict[str, Any], now: dict[str, Any]) -> tuple[bool, float]:
    """Whether the answers say the same, and how far their numbers are apart."""
    old, new = then["prediction"], now["prediction"]
    before, after = then.get("probabilities") or {}, now.get("probabilities") or {}
    gaps = [abs(before[label] - after[label]) for label in before.keys() & after.keys()]
    if isinstance(new, float) and isinstance(old, int | float):
        return before.keys() == after.keys(), abs(old - new) / max(1.0, abs(new))
    return old == new and before.keys() == after.keys(), max(gaps, default=0.0)
