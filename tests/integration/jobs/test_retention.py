"""Predictions are kept as long as they may be."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from rookery.errors import InputError
from rookery.jobs.retention import forget_predictions, prune
from rookery.settings import get_settings
from rookery.stores.database import connect
from rookery.stores.predictions import METADATA, PREDICTIONS, add_predictions

DAY = 86_400


def test_predictions_older_than_that_are_forgotten(empty_home):
    engine = connect(get_settings().tables_url)
    METADATA.create_all(engine)
    ages = {"old": 31 * DAY, "young": 29 * DAY, "new": 0}
    now = int(time.time())
    rows = [[id_, (now - age) * 1_000_000, "m", "1", "{}", "{}", 0.1] for id_, age in ages.items()]
    add_predictions(engine, [json.dumps(rows)])
    assert forget_predictions(get_settings(), 30)["forgotten"] == 1
    with engine.connect() as connection:
        kept = connection.execute(sa.select(PREDICTIONS.c.id)).scalars().all()
    assert set(kept) == {"young", "new"}


def test_where_nothing_was_logged_yet_nothing_is_forgotten(empty_home):
    assert forget_predictions(get_settings(), 0.5)["forgotten"] == 0


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf")])
def test_no_time_at_all_is_refused(empty_home, days):
    with pytest.raises(InputError, match="PREDICTION_LOG_DAYS"):
        forget_predictions(get_settings(), days)


def test_the_setting_says_how_old_where_the_command_does_not(empty_home, monkeypatch):
    with pytest.raises(InputError, match="kept for ever"):
        prune()
    monkeypatch.setenv("PREDICTION_LOG_DAYS", "30")
    get_settings.cache_clear()
    earliest = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    before = datetime.fromisoformat(prune()["before"])
    assert earliest <= before <= datetime.now(UTC) - timedelta(days=30)
