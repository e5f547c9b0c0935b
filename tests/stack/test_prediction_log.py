"""Every answer of the API is in MySQL in the end, whatever stops in between."""

import json

import pytest
from tests.penguins import PENGUIN
from tests.stack.faults import away, kill, wait_revived
from tests.stack.stack import wait_until


@pytest.fixture(scope="module", autouse=True)
def serving(promoted):
    wait_until(lambda: promoted.api("GET", "/ready").status_code == 200, "the API is ready")


def ask(stack, count=20):
    """So many predictions; their ids."""
    return {stack.predict()["id"] for _ in range(count)}


def stored(stack, ids):
    listed = ", ".join(f"'{one}'" for one in ids)
    return {row[0] for row in stack.mysql(f"SELECT id FROM predictions WHERE id IN ({listed})")}


def assert_stored(stack, ids, seconds=60):
    wait_until(lambda: stored(stack, ids) == ids, "all predictions are in MySQL", seconds)


def test_predictions_are_stored_with_what_was_asked_and_answered(stack):
    answer = stack.predict()
    assert_stored(stack, {answer["id"]})
    ((model, version, asked, said, seconds),) = stack.mysql(
        "SELECT model, version, input, output, latency_seconds FROM predictions "
        f"WHERE id = '{answer['id']}'"
    )
    assert (model, version) == ("penguins", stack.production())
    assert (json.loads(asked), json.loads(said)) == (PENGUIN, answer)
    assert 0 < seconds < 10


def test_an_answer_leads_back_to_run_rows_and_commit_and_takes_what_was_true(stack):
    answer = stack.predict()
    card = stack.api("GET", f"/predictions/{answer['id']}").json()
    model = stack.api("GET", "/model").json()
    assert card["output"] == answer
    for name in ("version", "run_id", "digest", "commit"):
        assert card[name] == model[name], name
    given = {"id": answer["id"], "outcome": "Gentoo", "note": "seen again"}
    taken = stack.api("POST", "/feedback", json=given)
    assert taken.status_code == 201, taken.text
    assert stack.mysql(
        f"SELECT outcome, note FROM feedback WHERE prediction_id = '{answer['id']}'"
    ) == [('"Gentoo"', "seen again")]
    unknown = stack.api("POST", "/feedback", json=given | {"id": "nobody"})
    assert unknown.status_code == 404


def test_predictions_asked_while_mysql_is_away_are_stored_when_it_is_back(stack):
    with away(stack, "mysql"):
        ids = ask(stack)
    assert_stored(stack, ids)


def test_a_killed_api_loses_at_most_what_was_asked_in_its_last_second(stack):
    with away(stack, "mysql"):
        ids = ask(stack)
        wait_until(lambda: spooled(stack) >= len(ids), "the predictions are on disk")
        killed = kill(stack, "fastapi")
    wait_revived(stack, "fastapi", killed)
    assert_stored(stack, ids)


def spooled(stack):
    text = stack.api("GET", "/metrics").text
    figures = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("prediction_log_")
    )
    return float(figures["prediction_log_written"])


def test_a_stopped_api_loses_nothing(stack):
    ids = ask(stack)
    stack.compose("restart", "fastapi")
    stack.wait_healthy("fastapi")
    assert_stored(stack, ids)


def test_mlflows_and_kserves_clients_are_answered_through_the_published_port(stack):
    record = {key: [value] for key, value in PENGUIN.items()}
    split = {"columns": list(record), "data": [list(PENGUIN.values())]}
    label = stack.predict()["prediction"]
    answer = stack.api("POST", "/invocations", json={"dataframe_split": split})
    assert answer.json() == {"predictions": [label]}
    assert answer.headers["x-model-version"] == stack.production()
    assert stack.api("GET", "/v2/health/ready").status_code == 200
