"""Promotions that die, an API that starts alone, and passwords that are wrong."""

import json

import httpx
import pytest
from tests.penguins import PENGUIN
from tests.stack import faults
from tests.stack.faults import TASK, Asking, assert_sound, away, told
from tests.stack.stack import wait_until

WRONG = "Wr0ng-password"
# a promotion that the kernel ends at once, before or after it has moved the alias
DYING = """
import os, signal
import rookery as rk
from rookery.stores.registry import Registry

moving = Registry.set_production

def die(self, name, version):
    if {moved}:
        moving(self, name, version)
    os.kill(os.getpid(), signal.SIGKILL)

Registry.set_production = die
rk.promote("{task}", version="{version}")
"""


@pytest.fixture(scope="module", autouse=True)
def task(promoted):
    faults.add_task(promoted)
    yield
    (promoted.folder / "tasks" / f"{TASK}.yaml").unlink()


def last_entry(stack):
    return stack.mysql(
        "SELECT outcome, reason, `to` FROM promotions "
        f"WHERE task = '{TASK}' ORDER BY id DESC LIMIT 1"
    )[0]


@pytest.mark.parametrize("moved", [False, True])
def test_a_promotion_that_dies_at_the_alias_is_ended_by_the_next_command(stack, moved):
    alias, version = stack.production(TASK), faults.another_version(stack)
    program = DYING.format(moved=moved, task=TASK, version=version)
    died = stack.execute("jupyter", "python", "-c", program, check=False)
    assert died.returncode == 137, died.stderr
    assert last_entry(stack)[0] == "pending"
    status = json.loads(stack.rookery("status", TASK, "--json").stdout)
    assert len(status["repaired"]) == 1
    assert last_entry(stack)[0] == ("done" if moved else "failed")
    assert stack.production(TASK) == (version if moved else alias)
    stack.rookery("promote", TASK, "--version", version)
    assert stack.production(TASK) == version
    assert_sound(stack)


def test_an_api_started_without_mlflow_answers_with_what_it_served_last(stack):
    served = stack.production()
    wait_until(lambda: ready(stack)["version"] == served, "the API serves what is promoted")
    with away(stack, "mlflow"):
        stack.compose("restart", "fastapi")
        assert wait_until(lambda: ready(stack).get("version"), "it answers", 20) == served
        failed = wait_until(lambda: ready(stack)["failed"], "/ready names what is away")
        assert "MLflow at http://mlflow:5005 does not answer" in failed["message"]
        assert stack.predict()["version"] == served
    wait_until(lambda: ready(stack)["failed"] is None, "the API follows again")


def test_an_api_that_never_served_lives_without_mlflow_says_why_and_loads_when_it_is_back(stack):
    served = stack.production()
    with away(stack, "mlflow"):
        stack.execute("fastapi", "sh", "-c", 'rm -r "$ROOKERY_HOME/cache/served"')
        stack.compose("restart", "fastapi")
        stack.wait_healthy("fastapi")
        assert stack.api("GET", "/health").status_code == 200
        unready = wait_until(lambda: reason(stack), "/ready names the reason")
        assert "MLflow at http://mlflow:5005 does not answer" in unready["detail"]
        refused = stack.api("POST", "/predict", json=PENGUIN)
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
    wait_until(lambda: stack.api("GET", "/ready").status_code == 200, "the API is ready")
    assert stack.predict()["version"] == served


def ready(stack):
    """What /ready says; nothing while the API starts."""
    try:
        answer = stack.api("GET", "/ready")
    except httpx.TransportError:
        return {}
    return answer.json() if answer.status_code == 200 else {}


def reason(stack):
    answer = stack.api("GET", "/ready")
    assert answer.status_code == 503, answer.text
    return answer.json() if "MLflow at" in answer.text else None


@pytest.mark.parametrize(
    ("variable", "value", "code", "message"),
    [
        (
            "DATABASE_URL",
            f"mysql://my_app_user:{WRONG}@mysql:3306/my_app_db",
            1,
            "error: the database at mysql://my_app_user:***@mysql:3306/my_app_db failed: "
            "Access denied for user 'my_app_user'",
        ),
        (
            "MLFLOW_TRACKING_PASSWORD",
            WRONG,
            2,
            "error: MLflow at http://mlflow:5005 refuses us (401",
        ),
    ],
)
def test_a_wrong_password_is_named_and_never_shown(stack, variable, value, code, message):
    setting = ("exec", "-T", "-e", f"{variable}={value}", "jupyter", "rookery")
    for command in (("status",), ("promote",), ("sweep", "--debug")):
        done = stack.compose(*setting, *command, TASK, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        said = done.stdout + done.stderr
        assert message in said
        if "--debug" not in command:
            told(done.stderr)
        for secret in (WRONG, stack.password, stack.key("mysql", "my_app_user_password")):
            assert secret not in said


def test_an_api_that_is_killed_comes_back_with_the_version_it_served(stack):
    served = stack.production()
    started = faults.kill(stack, "fastapi")
    faults.wait_revived(stack, "fastapi", started)
    wait_until(lambda: stack.api("GET", "/ready").status_code == 200, "the API is ready")
    with Asking(stack) as asking:
        wait_until(lambda: len(asking.versions) > 20, "twenty answers")
    assert set(asking.versions) == {served}
