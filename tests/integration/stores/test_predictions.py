"""Predictions and feedback in real tables."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
import sqlalchemy as sa

from rookery.errors import Unavailable
from rookery.stores.database import connect
from rookery.stores.predictions import (
    FEEDBACK,
    METADATA,
    PREDICTIONS,
    add_feedback,
    add_predictions,
    forget_before,
    prediction_of,
    read_prediction,
)

NOW = datetime(2026, 11, 1, 12, 0, 0, 123456, UTC)
NOW_AT = 1793534400_123456


@pytest.fixture
def engine(database) -> sa.Engine:
    engine = connect(database)
    METADATA.create_all(engine)
    return engine


def row(**changed) -> list:
    fields = {
        "id": str(uuid4()),
        "at": NOW_AT,
        "model": "penguins",
        "version": "3",
        "input": '{ "größe": 1.0,\n "b": null, "a": "it\'s \\"🐧\\" % :x \\\\ \\u0000"}',
        "output": '{"prediction": 1e400}',
        "latency": 1 / 3,
    }
    return list((fields | changed).values())


def count(engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(PREDICTIONS)).scalar_one()


def test_texts_numbers_and_times_are_kept_to_the_letter(engine):
    given = row()
    assert add_predictions(engine, [json.dumps([given])]) == 0
    with engine.connect() as connection:
        stored = connection.execute(sa.select(PREDICTIONS)).one()
    assert stored == (given[0], NOW.replace(tzinfo=None), *given[2:])
    assert read_prediction(engine, given[0]) == prediction_of(*given)
    assert read_prediction(engine, given[0]).at == NOW


@pytest.mark.parametrize(
    "at", [0, 1, 10**15, 1795292389_108784, 1795292389_999999, 4102444799_999999]
)
def test_every_moment_has_its_microseconds(engine, at):
    given = row(at=at)
    add_predictions(engine, [json.dumps([given])])
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    assert read_prediction(engine, given[0]).at == moment == prediction_of(*given).at


def test_what_is_there_already_is_left_as_it_is(engine):
    first, second = row(), row()
    add_predictions(engine, [json.dumps([first])])
    again = [first[0], *row(model="other")[1:]]
    assert add_predictions(engine, [json.dumps([again, second])]) == 0
    assert count(engine) == 2
    assert read_prediction(engine, first[0]).model == "penguins"


def test_rows_that_the_table_refuses_are_counted_and_the_others_kept(engine):
    rows = [row() for _ in range(20)]
    rows[3][6] = None  # no latency
    rows[11][0] = None
    if engine.dialect.name != "sqlite":  # which has no lengths
        rows[17][3] = "9" * 33
    refused = 2 if engine.dialect.name == "sqlite" else 3
    others = [row() for _ in range(5)]
    assert add_predictions(engine, [json.dumps(others), json.dumps(rows)]) == refused
    assert count(engine) == 25 - refused


def test_several_processes_may_add_at_a_time(engine):
    blocks = [json.dumps([row(id=str(uuid4())) for _ in range(100)]) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:  # of the server's deadlocks one would be raised here
        refused = list(pool.map(lambda block: add_predictions(engine, [block]), blocks))
    assert sum(refused) == 0
    assert count(engine) == 4000


def test_a_table_that_is_away_is_no_refusal(database):
    with pytest.raises(Unavailable, match="predictions"):
        add_predictions(connect(database), [json.dumps([row()])])


def test_an_unknown_id_has_no_prediction(engine):
    assert read_prediction(engine, "none") is None


def test_feedback_is_added_and_never_replaced(engine):
    given = row()
    add_predictions(engine, [json.dumps([given])])
    madrid = timezone(timedelta(hours=1))
    add_feedback(engine, given[0], "Adélie", None, NOW.astimezone(madrid), who="127.0.0.1")
    add_feedback(engine, given[0], 3.5, "measured again", NOW, who="127.0.0.1")
    with engine.connect() as connection:
        rows = connection.execute(sa.select(FEEDBACK).order_by(FEEDBACK.c.id)).mappings().all()
    assert [json.loads(found["outcome"]) for found in rows] == ["Adélie", 3.5]
    assert [found["note"] for found in rows] == [None, "measured again"]
    assert {found["at"] for found in rows} == {NOW.replace(tzinfo=None)}
    assert {found["prediction_id"] for found in rows} == {given[0]}


def test_feedback_may_come_before_its_prediction_is_stored(engine):
    add_feedback(engine, "soon", "Adelie", None, NOW, who="me")
    with engine.connect() as connection:
        assert connection.execute(sa.select(FEEDBACK.c.prediction_id)).scalar_one() == "soon"


def test_old_predictions_are_forgotten_some_at_a_time(engine, monkeypatch):
    monkeypatch.setattr("rookery.stores.predictions.FORGOTTEN_AT_A_TIME", 10)
    kept = row(at=NOW_AT)
    old = [row(at=NOW_AT - (1 + number) * 1_000_000) for number in range(35)]
    add_predictions(engine, [json.dumps([kept, *old])])
    assert forget_before(engine, NOW) == 35
    assert read_prediction(engine, kept[0]) is not None
    assert count(engine) == 1
