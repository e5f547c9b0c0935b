"""An answer of the API, given again by the version that gave it."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.conftest import copy_project, point_at
from tests.integration.serving.conftest import serving
from tests.penguins import PENGUIN

import rookery as rk
from rookery.cli import run_command
from rookery.errors import InputError
from rookery.serving.prediction_log.blocks import encode
from rookery.settings import get_settings
from rookery.stores.predictions import UnknownPrediction

ASKED = PENGUIN | {"year": 2007}  # of a raw row; the model does not use it


@pytest.fixture(scope="module")
def answered(promoted_home: Path, tmp_path_factory: pytest.TempPathFactory):
    """A project whose API has answered three requests, and the ids by how they were asked."""
    place = tmp_path_factory.mktemp("answered") / "place"
    copy_project(promoted_home.parent, place)
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        with serving(get_settings()) as api:
            one = api.client.post("/predict", json=ASKED).json()
            two = api.client.post("/predict/batch", json=[ASKED, ASKED]).json()
    get_settings.cache_clear()
    return place, [one["id"], *(each["id"] for each in two["predictions"])]


@pytest.fixture
def ids(answered, monkeypatch) -> list[str]:
    place, found = answered
    point_at(monkeypatch, place)
    return found


def test_every_answer_comes_again(ids):
    for number in ids:
        found = rk.replay(number)
        assert found.equal
        assert (found.model, found.version) == ("penguins", "1")
        assert found.then["prediction"] == found.now["prediction"] == "Adelie"
        assert found.largest_gap <= 1e-9
        assert found.now["id"] == number


def test_an_answer_that_waits_in_the_spool_comes_again_too(ids):
    asked = rk.replay(ids[0])
    number = "0" * 35 + "1"
    output = asked.then | {"id": number}
    entry = (number, time.time_ns() // 1000, "penguins", "1", json.dumps(asked.input).encode(),
             json.dumps(output).encode(), 0.1)  # fmt: skip
    folder = get_settings().cache / "spool" / "left"
    folder.mkdir(parents=True, exist_ok=True)
    lines, lost = encode([entry])
    assert lost == 0
    (folder / "1.lines").write_bytes(b"damaged\n" + b"".join(lines))
    assert rk.replay(number).equal


@pytest.mark.parametrize(
    "said", [{"prediction": "Gentoo"}, {"probabilities": {"Adelie": 0.5, "Gentoo": 0.5}}]
)
def test_an_answer_that_was_another_ends_with_3(ids, said, capfd, answered):
    output = json.dumps(rk.replay(ids[2]).then | said)
    with changed(answered[0], ids[2], output=output):
        assert run_command(["replay", ids[2], "--json"]) == 3
    assert json.loads(capfd.readouterr().out)["equal"] is False


def test_a_number_that_was_given_again_is_another_version(ids, answered):
    long_ago = changed(answered[0], ids[1], at="2001-01-01 00:00:00.000000")
    with long_ago, pytest.raises(InputError) as refused:
        rk.replay(ids[1])
    assert "the one that answered was deleted" in refused.value.message


def test_a_version_that_is_gone_is_named(ids, answered):
    with changed(answered[0], ids[1], version="5"), pytest.raises(InputError) as refused:
        rk.replay(ids[1])
    assert "penguins has no version 5" in refused.value.message


def test_an_unknown_id_is_refused(ids):
    with pytest.raises(UnknownPrediction):
        rk.replay("00000000-0000-7000-8000-000000000000")


def test_a_project_that_never_answered_knows_no_id(home):
    with pytest.raises(UnknownPrediction) as refused:
        rk.replay("x")
    assert "there is no prediction 'x'" in refused.value.message


@contextmanager
def changed(place: Path, number: str, **columns: str) -> Iterator[None]:
    """A row of the log with another value, for the time of a with-block."""
    ((name, value),) = columns.items()
    with closing(sqlite3.connect(place / "home/tables.db", isolation_level=None)) as database:
        select = f"SELECT {name} FROM predictions WHERE id = ?"
        update = f"UPDATE predictions SET {name} = ? WHERE id = ?"
        (before,) = database.execute(select, (number,)).fetchone()
        database.execute(update, (value, number))
        try:
            yield
        finally:
            database.execute(update, (before, number))
