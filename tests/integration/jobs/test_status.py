"""Status, and the settings under which nothing can be told."""

import json
import os
import subprocess
import sys

import pytest

import rookery as rk
from rookery.errors import InputError, Unavailable
from rookery.jobs.project import open_project
from rookery.settings import get_settings


def test_an_empty_project_has_a_status_and_a_next_command(empty_home):
    status = rk.status("penguins")
    assert status["tables"] == {"raw": None, "clean": None, "rejected": None, "duplicates": None}
    assert (status["sweep"], status["production"], status["versions"]) == (None, None, [])
    assert (status["ledger"], status["pending"], status["warnings"]) == ([], False, [])
    assert status["next"] == "rookery ingest penguins"
    json.dumps(status, allow_nan=False)
    rk.ingest("penguins")
    assert rk.status("penguins")["next"] == "rookery clean penguins"
    rk.clean("penguins")
    assert rk.status("penguins")["next"] == "rookery sweep penguins"
    assert rk.status("penguins")["tables"]["rejected"] == 11


def test_a_promoted_project_says_where_everything_stands(home_copy):
    status = rk.status("penguins")
    assert status["tables"] == {"raw": 344, "clean": 333, "rejected": 11, "duplicates": 0}
    assert status["production"] == {"alias": "production", "version": "1"}
    (version,) = status["versions"]
    assert (version["stage"], version["aliases"]) == ("Production", ["production"])
    assert status["sweep"]["best_run"] == version["run_id"]
    assert status["sweep"]["link"].endswith(status["sweep"]["run_id"])
    assert status["ledger"][0]["outcome"] == "done"
    assert status["warnings"] == []
    json.dumps(status, allow_nan=False)


def test_aliases_that_differ_only_in_case_are_reported(home_copy):
    client = open_project("penguins").tracking.client
    for alias in ("Production", "PRODUCTION", "challenger"):
        client.set_registered_model_alias("penguins", alias, "1")
    warnings = rk.status("penguins")["warnings"]
    assert len(warnings) == 2
    assert all("only 'production' is served" in warning for warning in warnings)
    assert "'Production'" in "".join(warnings)


def test_another_alias_is_another_champion(home_copy, monkeypatch):
    client = open_project("penguins").tracking.client
    client.transition_model_version_stage("penguins", "1", "None")
    monkeypatch.setenv("MODEL_ALIAS", "blue")
    get_settings.cache_clear()
    assert rk.status("penguins")["production"] is None
    result = rk.promote("penguins")
    assert (result.alias, result.version) == ("blue", "1")
    assert open_project("penguins").tracking.aliases("penguins") == {"blue": "1", "production": "1"}


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"MLFLOW_TRACKING_URI": ""}, "MLFLOW_TRACKING_URI is set but empty"),
        ({"MLFLOW_URL": ""}, "MLFLOW_URL is set but empty"),
        (
            {"MLFLOW_TRACKING_URI": "http://a:5005", "MLFLOW_URL": "http://b:5005"},
            "different servers",
        ),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not a database address"),
        ({"DATABASE_URL": "klingon://u:secret@h/d"}, "'klingon'"),
        ({"ROOKERY_TASK": "houses"}, "no task 'houses'"),
        ({"API_PORT": "x"}, "API_PORT"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(empty_home, monkeypatch, variables, named):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    with pytest.raises(InputError) as caught:
        rk.status()
    assert named in caught.value.message
    assert "secret" not in str(caught.value.as_dict())
    assert caught.value.allowed


def test_the_tasks_there_are_are_named_when_one_is_missing(empty_home):
    with pytest.raises(InputError) as caught:
        rk.status("houses")
    assert caught.value.allowed == "penguins"
    assert caught.value.next == "rookery tasks"


def test_a_server_that_is_away_is_unavailable_and_ingest_needs_it_not(empty_home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    get_settings.cache_clear()
    assert rk.ingest("penguins").rows == 344
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1") as caught:
        rk.status("penguins")
    assert caught.value.exit_code == 1
    assert caught.value.field == "MLFLOW_TRACKING_URI"


def test_an_experiment_that_was_deleted_is_named(home_copy):
    project = open_project("penguins")
    project.tracking.client.delete_experiment(project.experiment)
    with pytest.raises(InputError, match="experiment 'penguins' was deleted") as caught:
        rk.status("penguins")
    assert "EXPERIMENT_NAME" in caught.value.next


def test_a_process_started_after_a_job_sees_the_same_settings(home_copy):
    """MLflow exports its addresses; a child must not take them for the user's."""
    rk.status("penguins")
    assert "MLFLOW_TRACKING_URI" not in os.environ
    program = "from rookery.settings import get_settings as s; print(s().artifact_root)"
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == (home_copy / "artifacts").as_uri()
