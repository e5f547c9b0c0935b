"""The way of a prediction: memory, spool, database; and back when one of them fails."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from tests.integration.serving.conftest import eventually
from tests.integration.serving.prediction_log.conftest import (
    ANSWER,
    RECORD,
    Place,
    add,
    entry,
    rows,
)

from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.prediction_log.rows import Entry
from rookery.stores.predictions import prediction_of, read_prediction


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A file where the folder of a database belongs: while it is there, the database is not."""
    blocker = tmp_path / "away"
    blocker.touch()
    return blocker


@pytest.fixture
def blocked(tmp_path: Path, away: Path) -> Place:
    """A place whose database is away until `away` is removed."""
    made = Place(tmp_path / "spool", f"sqlite:///{away}/tables.db")
    yield made
    for log in made.logs:
        log.stop(0)


def keep(place: Place, count: int) -> set[str]:
    """Predictions that an earlier process left in the spool."""
    log = place.log()
    ids = add(log, count)
    log.stop(0)
    assert place.segments()
    return ids


def test_a_prediction_is_stored_as_it_was_given(place):
    log, at = place.log(), time.time_ns() // 1000
    given = Entry("a" * 36, at, "Ännchens model", "3", RECORD, ANSWER, 0.00123)
    log.add(given)
    eventually(lambda: place.stored())
    stored = read_prediction(place.engine(), "a" * 36)
    assert stored == prediction_of(*given)
    assert stored.at.timestamp() == pytest.approx(at / 1_000_000, abs=2e-6)
    assert stored.input == {"bill_length_mm": 39.1, "sex": "male"}
    eventually(lambda: (log.written, log.sent, log.lost, log.spool_segments) == (1, 1, 0, 0))
    assert log.oldest_unsent_seconds == 0


def test_a_batch_is_logged_row_by_row(place):
    log, many, few = place.log(), rows(1001), rows(3)
    log.add_rows(many)
    log.add_rows(few)
    eventually(lambda: log.sent == 1004)
    given = [Entry(*one) for one in (*many.entries(), *few.entries())]
    assert place.stored() == {one.id for one in given}
    for one in (given[0], given[700], given[1000], given[1003]):
        assert read_prediction(place.engine(), one.id) == prediction_of(*one)


def test_one_of_a_batch_is_found_before_it_is_sent(blocked, monkeypatch):
    monkeypatch.setattr("rookery.serving.prediction_log.log.INTERVAL_SECONDS", 0.5)
    log, many = blocked.log(), rows(1001)
    log.add_rows(many)
    wanted = Entry(*many.entries()[600])
    assert log.find(wanted.id) == wanted
    eventually(lambda: log.written == 1001)
    assert log.find(wanted.id) == wanted
    assert log.find(rows(1).first) is None


def test_predictions_wait_for_a_database_that_is_away(blocked, away, caplog):
    log = blocked.log()
    ids = add(log, 3000)
    eventually(lambda: log.written == 3000 and log.last_error)
    assert (log.sent, log.lost) == (0, 0)
    assert log.spool_bytes == sum(path.stat().st_size for path in blocked.segments()) > 0
    assert log.oldest_unsent_seconds > 0
    away.unlink()
    eventually(lambda: log.sent == 3000)
    assert blocked.stored() == ids
    eventually(lambda: log.last_error is None)
    assert caplog.text.count("predictions stay in") == 1


def test_what_waits_is_found_by_its_id(blocked):
    log = blocked.log()
    (wanted,) = add(log, 1)
    assert log.find(wanted).input == RECORD  # in memory
    eventually(lambda: log.written == 1)
    assert prediction_of(*log.find(wanted)).output["prediction"] == "Adélie"  # on disk
    assert PredictionLog(blocked.spool, blocked.url).find(wanted)  # another worker's
    assert log.find("3") is None
    assert log.find(str(uuid4())) is None


def test_stopping_stores_everything(place):
    log = place.log()
    ids = add(log, 5000)
    log.stop(30)
    assert place.stored() == ids
    assert not place.segments()
    assert [path.name for path in place.spool.iterdir()] == ["lock"]


def test_what_was_left_is_sent_by_the_next_one(blocked, away):
    ids = keep(blocked, 700) | keep(blocked, 1)
    away.unlink()
    log = blocked.log()
    eventually(lambda: log.sent == 701)
    assert blocked.stored() == ids
    eventually(lambda: [path.name for path in blocked.spool.iterdir()] == ["lock"])


def test_a_segment_that_is_sent_twice_doubles_nothing(blocked, away):
    ids = keep(blocked, 600)
    (segment,) = blocked.segments()
    whole = segment.read_bytes()
    away.unlink()
    log = blocked.log()
    eventually(lambda: log.sent == 600)
    again = blocked.spool / "again"
    again.mkdir()
    (again / segment.name).write_bytes(whole)
    log.stop()
    log = blocked.log()
    eventually(lambda: log.sent == 600)
    assert blocked.stored() == ids
    assert log.lost == 0


def test_the_bound_of_the_spool_drops_the_newest_and_counts_them(blocked, away, caplog):
    log = blocked.log(spool_bytes=100_000)
    first = add(log, 200)
    eventually(lambda: log.written == 200)
    add(log, 2000)
    eventually(lambda: log.written + log.lost == 2200)
    assert log.lost >= 1000
    assert 50_000 < log.spool_bytes <= 100_000
    assert "100000 bytes" in log.last_error
    add(log, 1000)
    eventually(lambda: log.written + log.lost == 3200)
    assert caplog.text.count("were not logged so far") == 1
    away.unlink()
    eventually(lambda: log.sent == log.written)
    assert first <= blocked.stored()
    later, before = add(log, 10), log.lost
    eventually(lambda: later <= blocked.stored() and log.last_error is None)
    assert log.lost == before


def test_a_last_block_that_was_cut_off_is_counted_and_hides_no_other(blocked, away):
    ids = keep(blocked, 600)
    (segment,) = blocked.segments()
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-500])
    away.unlink()
    log = blocked.log()
    eventually(lambda: log.sent + log.lost == 600)
    assert (log.sent, log.lost) == (500, 100)
    assert blocked.stored() < ids
    assert len(blocked.stored()) == 500


def test_a_prediction_that_the_table_refuses_keeps_no_other_back(place):
    log = place.log()
    ids = add(log, 300)
    log.add(entry(str(uuid4()), seconds=float("nan")))
    log.add(entry("\ud800"))
    log.add(entry(str(uuid4()), input=b"\xff"))
    ids |= add(log, 300)
    eventually(lambda: log.sent == 600)
    assert place.stored() == ids
    eventually(lambda: log.lost == 3)


def test_a_disk_that_refuses_is_told_and_counted(place):
    place.spool.parent.mkdir(parents=True)
    place.spool.touch()
    log = place.log()
    add(log, 10)
    eventually(lambda: log.lost == 10)
    assert str(place.spool) in log.last_error
    place.spool.unlink()
    ids = add(log, 10)
    eventually(lambda: log.sent == 10)
    assert place.stored() == ids
    eventually(lambda: log.last_error is None)


def test_memory_is_bounded_while_the_disk_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr("rookery.serving.prediction_log.log.MOST_IN_MEMORY", 100)
    log = PredictionLog(tmp_path, "sqlite://")  # not started: nothing is written
    add(log, 105)
    log.add_rows(rows(2))
    assert log.lost == 7


def test_two_logs_share_a_spool_and_each_sends_its_own(place):
    logs = [place.log(), place.log()]
    ids = add(logs[0], 1000) | add(logs[1], 1000)
    eventually(lambda: [log.sent for log in logs] == [1000, 1000])
    assert place.stored() == ids
    assert not place.segments()
