"""From a copy of the checkout to the first prediction, and what another `up` leaves as it is."""

import json
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.penguins import PENGUIN
from tests.stack.stack import ONE_SHOTS, SERVERS, Stack, wait_until

# what any data scientist would write to ask the registered version, without this package
LOADED_BY_MLFLOW = """
import json, os, pathlib
import mlflow, pandas, sqlalchemy
os.environ["MLFLOW_TRACKING_PASSWORD"] = pathlib.Path("/run/keys/password").read_text()
tables = sqlalchemy.create_engine(pathlib.Path("/run/keys/database_url").read_text())
with tables.connect() as connection:
    rows = pandas.read_sql("SELECT * FROM penguins_clean", connection)
version = mlflow.MlflowClient().get_model_version_by_alias("penguins", "production").version
model = mlflow.sklearn.load_model(f"models:/penguins/{version}")
columns = list(model.feature_names_in_)
print(json.dumps({
    "version": version,
    "records": json.loads(rows[columns].to_json(orient="records", double_precision=15)),
    "labels": [str(label) for label in model.predict(rows[columns])],
    "classes": [str(label) for label in model.classes_],
    "probabilities": model.predict_proba(rows[columns]).tolist(),
}))
"""


@dataclass(frozen=True)
class FirstRun:
    """What the API said before, what `rookery run` said, and what the API said then."""

    stack: Stack
    ready_before: httpx.Response
    printed: str
    complained: str
    ready_after: dict[str, Any]


@pytest.fixture(scope="module")
def first_run(stack: Stack) -> FirstRun:
    """`rookery run` on empty stores, watched from outside while it goes on."""
    if stack.production() is not None:  # of a stack that was kept
        stack.compose("down", "--volumes")
        stack.up()
    stack.wait_healthy()
    wait_until(lambda: "no version" in stack.api("GET", "/ready").text, "a look at MLflow", 60)
    ready_before = stack.api("GET", "/ready")
    with stack.begun("exec", "-T", "jupyter", "rookery", "run") as run:
        ready_after = ready_then(stack)
        printed, complained = run.communicate(timeout=60)
    assert run.returncode == 0, printed + complained
    return FirstRun(stack, ready_before, printed, complained, ready_after)


def ready_then(stack: Stack) -> dict[str, Any]:
    """What /ready says first, once there is an alias to follow."""
    wait_until(lambda: stack.production() is not None, "there is the alias", 180)
    wait_until(lambda: stack.api("GET", "/ready").is_success, "the API follows", 30)
    return dict(stack.api("GET", "/ready").json())


def answers(stack: Stack) -> bool:
    return stack.api("POST", "/predict", json=PENGUIN).status_code == httpx.codes.OK


def log(stack: Stack, service: str) -> str:
    """As the container wrote it; Compose adds control characters of its own."""
    return stack.run("docker", "logs", stack.containers()[service]["Id"]).stdout


def secrets(stack: Stack) -> str:
    """All that the readers' volumes hold."""
    return "".join(
        stack.execute(service, "sh", "-c", "head -n 99 /run/keys/*").stdout for service in SERVERS
    )


def kept(stack: Stack) -> dict[str, Any]:
    """What must outlive containers: secrets, rows, runs, files, the version in charge."""
    tables = ("penguins_raw", "penguins_clean", "penguins_rejected", "promotions")
    return {
        "secrets": secrets(stack),
        "rows": {name: stack.mysql(f"SELECT COUNT(*) FROM {name}") for name in tables},
        "runs": stack.postgres("SELECT run_uuid, status FROM runs ORDER BY run_uuid"),
        "files": stack.artifacts(),
        "production": stack.production(),
    }


def test_up_without_a_dot_env_leaves_six_healthy_services_and_one_shots_that_ended_well(stack):
    assert not (stack.folder / ".env").exists()
    stack.wait_healthy()
    wanted = dict.fromkeys(SERVERS, "healthy") | dict.fromkeys(ONE_SHOTS, "exited 0")
    wait_until(lambda: stack.health() == wanted, f"{wanted}", 30)


def test_welcome_prints_the_addresses_and_the_password_that_opens_all(stack):
    wait_until(lambda: "Next:" in log(stack, "welcome"), "welcome has spoken", 60)
    printed = log(stack, "welcome")
    for port in stack.ports.values():
        assert f"localhost:{port}" in printed
    (password,) = set(re.findall(r"^ +password +([a-z]+(?:-[a-z]+){3})$", printed, re.MULTILINE))
    asked = httpx.get(
        f"{stack.address('MLFLOW_PORT')}/api/2.0/mlflow/experiments/get?experiment_id=0",
        auth=("admin", password),
        timeout=30,
    )
    assert asked.status_code == httpx.codes.OK, asked.text
    (link,) = set(re.findall(r"http://localhost:\S+token=\S+", printed))
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        page = browser.get(link)
        assert (page.status_code, "login" in page.url.path) == (httpx.codes.OK, False)
        opened = browser.get(f"{stack.address('JUPYTER_PORT')}/api/contents/notebooks")
    assert "01_ingest.ipynb" in [entry["name"] for entry in opened.json()["content"]]


def test_before_the_first_promotion_the_api_says_what_is_missing(first_run):
    assert first_run.ready_before.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert first_run.ready_before.json()["next"] == "rookery promote penguins"


def test_the_rows_of_a_run_are_in_mysql(first_run):
    counts = {"penguins_raw": 344, "penguins_clean": 333, "penguins_rejected": 11}
    for table, rows in counts.items():
        assert first_run.stack.mysql(f"SELECT COUNT(*) FROM {table}") == [(rows,)]


def test_the_runs_of_a_sweep_are_in_postgres(first_run):
    sql = "SELECT status, COUNT(*) FROM runs GROUP BY status"
    assert first_run.stack.postgres(sql) == [("FINISHED", 22)]
    registered = "SELECT name, version FROM model_versions"
    assert first_run.stack.postgres(registered) == [("penguins", 1)]


def test_the_files_of_runs_and_models_are_in_the_bucket_of_mlflow(first_run):
    found = first_run.stack.artifacts()
    assert found
    assert {key.split("/")[0] for key in found} == {"artifacts"}
    assert any(key.endswith("/MLmodel") for key in found)
    assert any(key.endswith(".png") for key in found)


def test_the_promotion_is_a_row_of_the_ledger(first_run):
    rows = first_run.stack.mysql("SELECT task, `from`, `to`, outcome FROM promotions")
    assert rows == [("penguins", None, "1", "done")]


def test_a_run_says_what_it_did_and_nothing_else(first_run):
    assert first_run.complained == ""
    *lines, carries, checked, told = first_run.printed.splitlines()
    assert lines[0].startswith("penguins_raw: 344 rows")
    assert carries.startswith("penguins: version 1 carries 'production'")
    assert re.fullmatch(r" +\d+ checks passed", checked)
    assert told == "http://fastapi:8000 answers with version 1"
    assert not re.search(r"https?://|warning|View run|Created version", "\n".join(lines), re.I)


def test_the_api_takes_the_first_promotion(first_run):
    ready = first_run.ready_after
    assert (ready["version"], ready["via"], ready["failed"]) == ("1", "alias", None)


def test_the_api_answers_every_clean_row_as_the_pipeline_itself_does(first_run):
    stack = first_run.stack
    own = json.loads(stack.execute("jupyter", "python", "-", input=LOADED_BY_MLFLOW).stdout)
    answer = stack.api("POST", "/predict/batch", json=own["records"]).json()["predictions"]
    assert len(answer) == 333
    assert {one["version"] for one in answer} == {own["version"]}
    assert [one["prediction"] for one in answer] == own["labels"]
    for one, probabilities in zip(answer, own["probabilities"], strict=True):
        expected = dict(zip(own["classes"], probabilities, strict=True))
        assert one["probabilities"] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_second_up_changes_nothing(first_run):
    stack = first_run.stack
    ids = {name: one["Id"] for name, one in stack.containers().items()}
    started = {name: stack.containers()[name]["State"]["StartedAt"] for name in SERVERS}
    before = kept(stack)
    stack.up()
    wait_until(lambda: stack.health()["welcome"] == "exited 0", "welcome has ended", 60)
    now = stack.containers()
    assert {name: one["Id"] for name, one in now.items()} == ids
    assert {name: now[name]["State"]["StartedAt"] for name in SERVERS} == started
    assert kept(stack) == before


@pytest.mark.parametrize("service", ["keys", "minio-setup", "mysql-setup", "mlflow-migrate"])
def test_a_one_shot_that_runs_again_ends_well_and_changes_nothing(first_run, service):
    before = kept(first_run.stack)
    first_run.stack.compose("run", "--rm", "--no-deps", service)
    assert kept(first_run.stack) == before


def test_after_down_and_up_everything_is_still_there(first_run):
    stack = first_run.stack
    before, answer = kept(stack), stack.predict()
    stack.compose("down")
    assert stack.containers() == {}
    stack.up()
    stack.wait_healthy()
    wait_until(lambda: answers(stack), "the API answers again", 30)
    assert kept(stack) == before
    again = stack.predict()
    for name in ("prediction", "probabilities", "version"):
        assert again[name] == answer[name]
