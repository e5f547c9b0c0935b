"""What was asked of a served model lately, and what turned out to be true of its answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from rookery.stores.database import unless_missing
from rookery.stores.predictions import FEEDBACK, PREDICTIONS


@dataclass(frozen=True)
class Judged:
    """A record that was asked, the answer it got, and the truth."""

    input: Any
    prediction: Any
    truth: Any


def judged_predictions(
    engine: Engine, model: str, version: str, since: datetime, most: int
) -> list[Judged]:
    """Answers of a version since then that got feedback, the newest first; the last word counts.

    Raises:
        Unavailable: the database does not answer.
    """
    query = (
        sa.select(PREDICTIONS.c.id, PREDICTIONS.c.input, PREDICTIONS.c.output, FEEDBACK.c.outcome)
        .join(FEEDBACK, FEEDBACK.c.prediction_id == PREDICTIONS.c.id)
        .where(*_of(model, since), PREDICTIONS.c.version == version)
        .order_by(FEEDBACK.c.id.desc())
        .limit(most)
    )
    found: dict[str, Judged] = {}
    for id_, given, said, truth in _rows(engine, query):
        answer = json.loads(said)["prediction"]
        found.setdefault(id_, Judged(json.loads(given), answer, json.loads(truth)))
    return list(found.values())


def recent_answers(
    engine: Engine, model: str, version: str, since: datetime, most: int
) -> list[tuple[Any, Any]]:
    """What a version was asked since then and what it said, the newest first.

    Raises:
        Unavailable: the database does not answer.
    """
    query = sa.select(PREDICTIONS.c.input, PREDICTIONS.c.output).where(
        *_of(model, since), PREDICTIONS.c.version == version
    )
    newest = query.order_by(PREDICTIONS.c.at.desc()).limit(most)
    found = _rows(engine, newest)
    return [(json.loads(given), json.loads(said)["prediction"]) for given, said in found]


def recent_inputs(engine: Engine, model: str, since: datetime, most: int) -> list[Any]:
    """The records that were asked since then, the newest first.

    Raises:
        Unavailable: the database does not answer.
    """
    query = sa.select(PREDICTIONS.c.input).where(*_of(model, since))
    newest = query.order_by(PREDICTIONS.c.at.desc()).limit(most)
    return [json.loads(given) for (given,) in _rows(engine, newest)]


def _of(model: str, since: datetime) -> Sequence[sa.ColumnElement[bool]]:
    moment = since.astimezone(UTC).replace(tzinfo=None)
    return PREDICTIONS.c.model == model, PREDICTIONS.c.at >= moment


def _rows(engine: Engine, query: sa.Select[Any]) -> Sequence[Any]:
    """No rows where the tables, which the API makes, are not there yet."""
    return unless_missing(engine, query, lambda result: result.all()) or []
