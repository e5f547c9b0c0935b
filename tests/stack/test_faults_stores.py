"""Stores that die or go away while jobs run and the API serves."""

import time

import pytest
from tests.stack import faults
from tests.stack.faults import TASK, Asking, assert_sound, away, failed, kill, paused
from tests.stack.stack import wait_until

STORES = ("postgres", "mysql", "minio", "mlflow")
# what a message calls the part that is away, and the setting that leads to it
AWAY = {
    "postgres": ("MLflow at http://mlflow:5005", "MLFLOW_TRACKING_URI"),
    "mysql": ("the database at mysql://my_app_user:***@mysql:3306", "DATABASE_URL"),
    "minio": ("MLflow at http://mlflow:5005", "MLFLOW_TRACKING_URI"),
    "mlflow": ("MLflow at http://mlflow:5005", "MLFLOW_TRACKING_URI"),
}
# what `rookery status` and the API need to look at where things stand; files are not among it
STATUS_NEEDS = {"postgres", "mysql", "mlflow"}
FOLLOWING_NEEDS = {"postgres", "mlflow"}


@pytest.fixture(scope="module", autouse=True)
def task(promoted):
    faults.add_task(promoted)
    yield
    (promoted.folder / "tasks" / f"{TASK}.yaml").unlink()


@pytest.mark.parametrize("service", STORES)
def test_a_store_killed_during_a_sweep_comes_back_and_nothing_is_lost(stack, service):
    served, alias = stack.production(), stack.production(TASK)
    with Asking(stack) as asking:
        sweep = faults.start_sweep(stack)
        started = kill(stack, service)
        assert sweep.poll() is None, "the sweep had ended before the kill"
        _, said = sweep.communicate(timeout=180)
        # it may outlast the absence by asking again; if not, it says what was away, and no more
        if sweep.returncode != 0:
            assert sweep.returncode == 1, said
            assert AWAY[service][0] in faults.told(said)
        faults.wait_revived(stack, service, started)
        assert stack.production(TASK) == alias
        stack.rookery("run", TASK)
    assert set(asking.versions) == {served}
    assert_sound(stack)


@pytest.mark.parametrize("service", STORES)
def test_a_store_that_is_away_stops_no_prediction_and_moves_no_alias(stack, service):
    served, alias = stack.production(), stack.production(TASK)
    version = faults.another_version(stack)
    with Asking(stack) as asking:
        with away(stack, service):
            assert_told_by_jobs(stack, service, version)
            wait_until(
                lambda: (ready(stack)["failed"] is not None) == (service in FOLLOWING_NEEDS),
                "/ready says how it stands",
            )
            assert ready(stack)["version"] == served
        wait_until(lambda: ready(stack)["failed"] is None, "the API in step with the registry")
    assert set(asking.versions) == {served}
    assert stack.production(TASK) == alias
    assert_sound(stack)


def assert_told_by_jobs(stack, service, version):
    part, setting = AWAY[service]
    # a promotion reads the version's files: it needs all four
    jobs = [("promote", TASK, "--version", version)]
    if service in STATUS_NEEDS:
        jobs.append(("status", TASK))
    else:
        assert stack.rookery("status", TASK).returncode == 0
    for job in jobs:
        error = failed(stack, *job)
        assert error["message"].startswith(part)
        assert error["field"] == setting


def ready(stack):
    answer = stack.api("GET", "/ready")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_mlflow_answers_with_an_error_in_time_while_postgres_says_nothing(stack):
    with paused(stack, "postgres"):
        for _ in range(3):
            assert_refused_in_time(stack)
    found = stack.mlflow("experiments/get", params={"experiment_id": "0"})
    assert found.status_code == 200


def assert_refused_in_time(stack):
    begun = time.monotonic()
    answer = stack.mlflow("experiments/get", params={"experiment_id": "0"})
    seconds = time.monotonic() - begun
    assert answer.status_code == 503, answer.text
    assert answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert seconds < 30
