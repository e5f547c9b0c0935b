"""Batches of an HTTP service: each is loaded once, whatever the service does."""

import json

import pandas as pd
import pytest
from tests.data_service import Script, batch, send, serving

import rookery as rk
from rookery.errors import InputError, Unavailable
from rookery.jobs.project import open_project
from rookery.stores import bodies, data_service

ROWS = [["1.5", 1, "red", "a", "good"], ["2.5", 2, "blue", None, "bad"]]
NAMES = ["price", "pieces", "colour", "note", "sold"]


def rows_of(number: int) -> list[dict[str, object]]:
    return [
        dict(zip(NAMES, [number * 10 + k, *row[1:]], strict=True)) for k, row in enumerate(ROWS)
    ]


BATCHES = [batch(number, *rows_of(number)) for number in range(3)]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(data_service, "FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def script():
    return Script(list(BATCHES))


@pytest.fixture
def service(shop, script):
    """A shop whose rows come from a service that follows the script."""
    with serving(script) as address:
        shop.task(source={"batches": {"url": address, "wait_seconds": 2}}, retrain={"drift": None})
        yield shop


def take_all() -> list[int]:
    """The numbers of the batches up to the end."""
    taken = []
    while (done := rk.ingest("shop")).ended is None:
        taken.append(done.number)
    return taken


def prices() -> list[str]:
    return pd.read_sql("SELECT price FROM shop_raw", rk.connect())["price"].tolist()


WHOLE = ["0", "1", "10", "11", "20", "21"]


def entries():
    return open_project("shop").audit.entries()


def test_batches_are_added_in_turn_and_their_end_is_no_error(service, script):
    first = rk.ingest("shop")
    assert (first.number, first.rows, first.ended, first.unchanged) == (0, 2, None, False)
    assert take_all() == [1, 2]
    assert prices() == WHOLE
    assert rk.ingest("shop").ended == "no more"
    assert script.restarts == 0
    assert script.asked[0] == "/data?[('group_number', ['1'])]"
    assert [entry.number for entry in entries()] == [0, 1, 2]
    assert [entry.rows for entry in entries()] == [2, 2, 2]
    assert len({entry.digest for entry in entries()}) == 3


def cut(handler):
    send(handler, 200, BATCHES[1][:40], length=len(BATCHES[1]))


def shortened(handler):
    send(handler, 200, BATCHES[1][:40])


def broken(handler):
    send(handler, 500, b"oops")


def page(handler):
    send(handler, 200, b"<html>log in</html>")


def silent(handler):
    handler.close_connection = True


@pytest.mark.parametrize("odd", [cut, shortened, broken, page, silent])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_answer_that_is_lost_is_had_again_by_a_restart(service, script, odd, at):
    """The service has gone on: a gap in the numbers shows it, or an end after trouble."""
    for _ in range(at):
        rk.ingest("shop")
    script.odd = [odd]
    assert take_all() == list(range(at, 3))
    assert prices() == WHOLE
    assert script.restarts == 1


def test_trouble_during_the_replay_is_mended_by_another_one(service, script):
    rk.ingest("shop")
    # asked for: 1 (cut off), 2 (a gap), then again 0, 1 (cut off), 2 (a gap), and again 0, 1, 2
    script.odd = [cut, _in_turn(2), _in_turn(0), cut]
    assert take_all() == [1, 2]
    assert prices() == WHOLE
    assert script.restarts == 2


def _in_turn(number):
    return lambda handler: send(handler, 200, BATCHES[number])


def test_a_service_that_begins_again_by_itself_brings_no_row_twice(service, script):
    assert rk.ingest("shop").number == 0
    assert rk.ingest("shop").number == 1
    script.following = 0
    assert take_all() == [2]
    assert prices() == WHOLE


def test_a_batch_that_is_answered_twice_is_loaded_once(service, script):
    script.batches = [BATCHES[0], BATCHES[0], BATCHES[1], BATCHES[1], BATCHES[2]]
    assert take_all() == [0, 1, 2]
    assert prices() == WHOLE


def test_the_same_rows_under_a_new_number_are_noted_and_not_loaded(service, script):
    script.batches = [BATCHES[0], batch(1, *rows_of(0)), batch(2, *rows_of(1))]
    assert take_all() == [0, 1, 2]
    assert prices() == WHOLE[:4]
    assert [entry.rows for entry in entries()] == [2, 0, 2]


def test_other_rows_under_a_known_number_are_loaded(service, script):
    """Some services hand out portions of a batch under its number."""
    script.batches = [BATCHES[0], batch(0, *rows_of(1)), batch(0, *rows_of(2))]
    assert take_all() == [0, 0, 0]
    assert prices() == WHOLE


def test_a_batch_without_rows_is_passed_and_the_next_one_loaded(service, script):
    script.batches = [BATCHES[0], batch(1), batch(2), batch(3, *rows_of(1))]
    assert take_all() == [0, 1, 2, 3]
    assert prices() == WHOLE[:4]


def test_numbers_that_begin_at_one_or_leave_some_out_are_how_the_service_counts(service, script):
    script.batches = [batch(number, *rows_of(k)) for k, number in enumerate([1, 2, 5])]
    assert take_all() == [1, 2, 5]
    assert prices() == WHOLE


def test_a_service_without_numbers_is_read_to_its_end(service, script):
    script.batches = [batch(None, *rows_of(number)) for number in range(3)]
    rk.ingest("shop")
    script.odd = [broken]
    assert take_all() == [1, 2]
    assert prices() == WHOLE


def test_a_group_that_somebody_read_to_its_end_is_begun_again(service, script):
    script.following = 3
    assert take_all() == [0, 1, 2]
    assert prices() == WHOLE
    assert script.restarts == 1


def test_rows_may_be_lists_in_the_order_of_the_task(service, script):
    script.batches = [batch(0, *ROWS)]
    rk.ingest("shop")
    assert prices() == ["1.5", "2.5"]


def test_rows_may_be_lists_in_an_order_that_is_declared(service, script):
    source = open_project("shop").task.source.batches.model_dump()
    service.task(source={"batches": source | {"columns": NAMES[::-1]}})
    script.batches = [batch(0, *(row[::-1] for row in ROWS))]
    rk.ingest("shop")
    assert prices() == ["1.5", "2.5"]


def test_a_service_that_only_fails_is_named_with_the_setting(service, script):
    script.odd = [broken] * 99
    with pytest.raises(Unavailable) as caught:
        rk.ingest("shop")
    assert "5 attempts failed" in caught.value.message
    assert "it answers 500" in caught.value.message
    assert caught.value.field == "SOURCE_BATCHES_URL"
    script.odd = []
    assert take_all() == [0, 1, 2]
    assert prices() == WHOLE


def test_a_service_that_is_not_there_is_named(shop):
    shop.task(source={"batches": {"url": "http://127.0.0.1:9", "attempts": 1}})
    with pytest.raises(Unavailable) as caught:
        rk.ingest("shop")
    assert "http://127.0.0.1:9" in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [(404, b"", "it answers 404"), (422, b'{"detail": "group?"}', "group?"), (400, b"", "400")],
)
def test_a_refusal_is_told_and_not_asked_for_again(service, script, status, body, named):
    script.odd = [lambda handler: send(handler, status, body)] * 9
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert named in caught.value.message
    assert len(script.asked) == 1


def test_a_service_that_cannot_begin_again_is_an_error_and_not_the_end(service, script):
    script.following, script.restarted = 3, (400, b'{"detail": "never"}')
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "/restart_data_generation: it answers 400 never" in caught.value.message


def test_a_service_that_repeats_itself_for_ever_is_given_up(service, script):
    script.batches = [BATCHES[0]] * 99
    rk.ingest("shop")
    with pytest.raises(Unavailable) as caught:
        rk.ingest("shop")
    assert "loaded already" in caught.value.message


def test_a_body_without_end_is_refused(service, script, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_BYTES", 50)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "more than 50 bytes" in caught.value.message
    assert "shop_raw" not in service.names()


def test_columns_that_are_not_those_of_the_task_leave_the_batch_waiting(service, script):
    rows = [row | {"extra": 1} for row in rows_of(0)]
    script.batches[0] = batch(0, *rows)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "extra" in caught.value.message
    assert entries() == []
    columns = json.loads((service.place / "tasks" / "shop.yaml").read_text("utf-8"))["columns"]
    task = open_project("shop").task.source.batches.model_dump()
    service.task(columns=columns | {"extra": {"type": "integer"}}, source={"batches": task})
    assert rk.ingest("shop").rows == 2
    assert len(script.asked) == 1


def test_nothing_of_a_loaded_batch_stays_on_the_disk(service, script):
    take_all()
    kept = open_project("shop").settings.cache / "batches" / "shop"
    assert list(kept.iterdir()) == []


def test_from_does_not_go_with_batches(service):
    with pytest.raises(InputError) as caught:
        rk.ingest("shop", source="other.csv")
    assert caught.value.field == "--from"


def test_another_kind_of_source_takes_the_batches_away(service, script, shop):
    take_all()
    shop.rows("1,1,red,x,good")
    shop.task()
    rk.ingest("shop")
    assert prices() == ["1"]
    assert "shop_batches" not in shop.names()
