"""Forgets predictions that are older than they may be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rookery.errors import InputError
from rookery.settings import Settings, get_settings
from rookery.stores.database import answering, connect
from rookery.stores.predictions import PREDICTIONS, forget_before


def prune(days: int | None = None) -> dict[str, Any]:
    """Deletes predictions older than so many days, or than PREDICTION_LOG_DAYS says.

    Raises:
        InputError: neither says how old. Unavailable: the database does not answer or refuses.
    """
    settings = get_settings()
    kept = days or settings.prediction_log_days
    if kept is None:
        raise InputError(
            "predictions are kept for ever, so there is nothing to delete",
            field="--days",
            allowed="a number of days, here or in PREDICTION_LOG_DAYS",
            next="rookery prune --days 90",
        )
    return forget_predictions(settings, kept)


def forget_predictions(settings: Settings, days: float) -> dict[str, Any]:
    """Deletes predictions older than so many days; what was true of them (feedback) stays.

    Needs the right to delete, which the API's account has not: a job, or the embedded mode.

    Raises:
        InputError: the number of days is not positive. Unavailable: the database does not answer
        or refuses.
    """
    if not 0 < days <= 36_500:
        raise InputError(
            f"PREDICTION_LOG_DAYS={days} is not a time to keep predictions",
            field="PREDICTION_LOG_DAYS",
            value=days,
            allowed="more than 0, at most 36500; unset keeps them for ever",
        )
    engine = connect(settings.tables_url)
    before = datetime.now(UTC) - timedelta(days=days)
    with answering(engine):
        is_there = sa.inspect(engine).has_table(PREDICTIONS.name)
    count = forget_before(engine, before) if is_there else 0
    return {"forgotten": count, "before": before.isoformat(timespec="seconds")}
