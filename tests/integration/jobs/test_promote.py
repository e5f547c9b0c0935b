"""Promotion and rollback on real MLflow: alias, stage, versions and ledger."""

import json
import shutil

import mlflow
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML
from sklearn.linear_model import LogisticRegression

import rookery as rk
from rookery.errors import InputError, NotPromoted, Refused, Unavailable
from rookery.jobs.project import Project, open_project
from rookery.stores.owners import this_process
from rookery.stores.versions import load_version


@pytest.fixture
def project(home_copy) -> Project:
    return open_project("penguins")


@pytest.fixture
def client(project) -> MlflowClient:
    return project.tracking.client


@pytest.fixture
def edit_task(home_copy):
    """Changes keys of the task file."""

    def edit(**changes: object) -> None:
        path = home_copy.parent / "tasks" / "penguins.yaml"
        path.write_text(json.dumps(YAML().load(path) | changes), "utf-8")

    return edit


@pytest.fixture
def open_gate(edit_task) -> None:
    edit_task(gate={"minimum": {"accuracy": 0.1}, "not_worse_than_production": False})


@pytest.fixture
def candidates(project) -> dict[str, str]:
    """Run ids of the session's sweep by name, but for the one that is promoted."""
    promoted = project.tracking.version("penguins", "1").run_id
    runs = project.tracking.runs(project.experiment, "tags.`rookery.kind` = 'candidate'")
    return {run.info.run_name: run.info.run_id for run in runs if run.info.run_id != promoted}


def ledger(project: Project) -> list[tuple[str | None, str | None, str]]:
    rows = project.ledger.entries("penguins")
    return [(row.from_version, row.to_version, row.outcome) for row in rows]


def served(project: Project) -> str | None:
    return project.tracking.aliases("penguins").get("production")


def stages(project: Project) -> dict[str, str]:
    return {str(v.version): v.current_stage for v in project.tracking.versions("penguins")}


def register_by_hand(project: Project, run_id: str) -> str:
    """As people do it: plain MLflow, no gate."""
    uri = f"models:/{project.tracking.model_of_run(run_id)}"
    return str(mlflow.register_model(uri, "penguins").version)


WORST = "decision_tree-2"


def test_the_first_promotion_sets_alias_and_stage_and_is_in_the_ledger(project):
    assert served(project) == "1"
    assert stages(project) == {"1": "Production"}
    (row,) = project.ledger.entries("penguins")
    assert (row.from_version, row.to_version, row.outcome) == (None, "1", "done")
    assert row.metrics["accuracy"] > 0.9
    assert "first to be promoted" in row.reason


def test_promoting_what_is_promoted_changes_nothing(project, tables_of):
    before = tables_of(project.settings.home)
    result = rk.promote("penguins")
    assert (result.changed, result.version) == (False, "1")
    assert rk.promote("penguins", version=1).changed is False
    assert tables_of(project.settings.home) == before


def test_an_equally_good_version_passes_the_gate(project, candidates):
    best = project.tracking.version("penguins", "1").run_id
    second = register_by_hand(project, best)
    result = rk.promote("penguins", version=int(second))
    assert (result.version, result.previous, result.changed) == ("2", "1", True)
    assert stages(project) == {"2": "Production", "1": "Archived"}
    assert ledger(project) == [(None, "1", "done"), ("1", "2", "done")]


@pytest.mark.parametrize("by", ["version", "run"])
def test_a_worse_model_is_refused_with_the_numbers_and_nothing_else_changes(
    project, candidates, by, edit_task
):
    edit_task(gate={"minimum": {}})
    if by == "version":
        asked = {"version": register_by_hand(project, candidates[WORST])}
    else:
        asked = {"run": candidates[WORST]}
    versions, rows = stages(project), ledger(project)
    models = project.tracking.client.search_logged_models([project.experiment])
    with pytest.raises(Refused, match=r"accuracy 0\.\d+ is worse than production's") as caught:
        rk.promote("penguins", **asked)
    assert caught.value.exit_code == 3
    assert caught.value.allowed
    assert served(project) == "1"
    assert stages(project) == versions
    assert len(project.tracking.client.search_logged_models([project.experiment])) == len(models)
    (refused,) = project.ledger.entries("penguins")[len(rows) :]
    assert refused.outcome == "refused"
    assert refused.to_version == asked.get("version")
    assert "by 0." in refused.reason
    assert refused.metrics["accuracy"] == caught.value.value


def test_a_model_below_the_minimum_is_refused_by_how_much(project, candidates, edit_task):
    edit_task(
        gate={
            "minimum": {"accuracy": 0.9999, "log_loss": 0.000001},
            "not_worse_than_production": False,
        }
    )
    with pytest.raises(Refused, match=r"accuracy 0\.\d+ misses the gate's 0\.9999 by 0\.\d+"):
        rk.promote("penguins", run=candidates[WORST])


def test_after_a_refused_sweep_promote_asks_the_gate_about_its_best(project, edit_task):
    edit_task(
        candidates={"decision_tree": {"sets": [{"max_depth": 1}]}},
        gate={"minimum": {"accuracy": 0.99}},
    )
    assert rk.sweep("penguins", cross_validate=False).version is None
    with pytest.raises(Refused, match="decision_tree-1"):
        rk.promote("penguins")
    assert served(project) == "1"
    assert [row[2] for row in ledger(project)] == ["done", "refused", "refused"]


def test_a_run_of_the_leaderboard_becomes_a_version_when_it_is_promoted(
    project, candidates, open_gate
):
    result = rk.promote("penguins", run=candidates[WORST])
    assert result.version == "2"
    assert project.tracking.version("penguins", "2").run_id == candidates[WORST]
    again = rk.promote("penguins", run=candidates[WORST])
    assert (again.changed, again.version) == (False, "2")
    assert len(stages(project)) == 2


def test_a_model_of_other_libraries_than_the_apis_is_refused_and_changes_nothing(
    project, candidates, home_copy, open_gate
):
    name, run_id = next(iter(candidates.items()))
    model_id = project.tracking.model_of_run(run_id)
    (pinned,) = (home_copy / "artifacts").glob(f"**/{model_id}/**/requirements.txt")
    lines = pinned.read_text(encoding="utf-8").splitlines()
    other = ["scikit-learn==1.8.0" if line.startswith("scikit-learn") else line for line in lines]
    pinned.write_text("\n".join(other), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        rk.promote("penguins", run=run_id)
    assert name in refused.value.message
    assert "scikit-learn 1.8.0 (the API has " in refused.value.message
    assert project.tracking.production("penguins") == "1"
    assert project.ledger.entries("penguins")[-1].outcome == "refused"


def test_a_version_whose_files_are_gone_can_be_replaced(project, candidates, open_gate):
    model_id = project.tracking.model_of_run(project.tracking.version("penguins", "1").run_id)
    (files,) = (project.settings.home / "artifacts").glob(f"**/{model_id}")
    shutil.rmtree(files)
    with pytest.raises(Refused, match=r"the files of .* are gone"):
        load_version(project.tracking, "penguins", "1")
    done = rk.promote("penguins", run=next(iter(candidates.values())))
    assert (done.version, done.changed) == ("2", True)


def test_the_id_of_a_sweep_means_its_best_candidate(project):
    parent = project.tracking.last_sweep(project.experiment, project.task.name)
    result = rk.promote("penguins", run=parent.info.run_id)
    assert (result.version, result.changed) == ("1", False)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"version": 99}, "no version 99"),
        ({"version": 10**12}, "no version 1000000000000"),
        ({"version": "x"}, "no version x"),
        ({"run": "f" * 32}, "no run"),
        ({"version": 1, "run": "f" * 32}, "two things"),
    ],
)
def test_what_is_not_there_cannot_be_promoted_and_leaves_no_row(project, asked, named):
    rows = ledger(project)
    with pytest.raises(InputError, match=named):
        rk.promote("penguins", **asked)
    assert ledger(project) == rows


def test_a_run_without_a_model_is_named(project):
    run = project.tracking.client.create_run(project.experiment).info.run_id
    with pytest.raises(InputError, match="logged no model"):
        rk.promote("penguins", run=run)


def test_a_task_without_a_sweep_says_what_to_do_first(home_copy):
    path = home_copy.parent / "tasks" / "penguins.yaml"
    other = json.dumps(YAML().load(path) | {"name": "others"})
    (home_copy.parent / "tasks" / "others.yaml").write_text(other, "utf-8")
    with pytest.raises(InputError, match="nothing to promote") as caught:
        rk.promote("others")
    assert caught.value.next == "rookery sweep others"
    with pytest.raises(InputError, match="no earlier version"):
        rk.rollback("others")
    with pytest.raises(NotPromoted):
        rk.predict({"island": "Dream"}, "others")
    assert open_project("others").ledger.entries("others") == []


def test_rollback_goes_back_one_promotion_at_a_time(project, candidates, open_gate):
    for run in list(candidates.values())[:2]:
        rk.promote("penguins", run=run)
    assert served(project) == "3"
    assert rk.rollback("penguins").version == served(project) == "2"
    assert stages(project)["2"] == "Production"
    result = rk.rollback("penguins")
    assert (result.version, result.previous, result.reason) == ("1", "2", "rollback")
    rows = ledger(project)
    with pytest.raises(InputError, match="no earlier version") as caught:
        rk.rollback("penguins")
    assert caught.value.value == "1"
    assert (
        ledger(project)
        == rows
        == [
            (None, "1", "done"),
            ("1", "2", "done"),
            ("2", "3", "done"),
            ("3", "2", "done"),
            ("2", "1", "done"),
        ]
    )
    assert served(project) == "1"


def test_after_a_rollback_and_a_new_promotion_the_way_back_is_the_new_one(
    project, candidates, open_gate
):
    first, second = list(candidates.values())[:2]
    rk.promote("penguins", run=first)
    rk.rollback("penguins")
    rk.promote("penguins", run=second)
    assert served(project) == "3"
    assert rk.rollback("penguins").version == "1"


def test_a_rollback_to_a_deleted_version_is_an_error_and_changes_nothing(
    project, candidates, client, open_gate
):
    rk.promote("penguins", run=candidates[WORST])
    client.delete_model_version("penguins", "1")
    rows = ledger(project)
    with pytest.raises(InputError, match="no version 1"):
        rk.rollback("penguins")
    assert (served(project), ledger(project)) == ("2", rows)


def test_a_promotion_by_plain_mlflow_is_served_and_recorded_as_external(
    project, candidates, client
):
    version = register_by_hand(project, candidates[WORST])
    client.set_registered_model_alias("penguins", "production", version)
    status = rk.status("penguins")
    assert status["production"]["version"] == version
    assert "external" in status["repaired"][0]
    assert ledger(project)[1:] == [("1", "2", "external")]
    assert rk.status("penguins")["repaired"] == []
    assert (
        rk.predict(
            {
                "island": "Dream",
                "bill_length_mm": 40.0,
                "bill_depth_mm": 18.0,
                "flipper_length_mm": 190.0,
                "body_mass_g": 3500.0,
                "sex": "male",
            },
            "penguins",
        )[0]["version"]
        == "2"
    )
    assert rk.rollback("penguins").version == "1"


def test_where_there_is_no_alias_the_stage_production_is_served(project, client):
    client.delete_registered_model_alias("penguins", "production")
    assert project.tracking.production("penguins") == "1"
    assert rk.status("penguins")["production"] == {"alias": "production", "version": "1"}
    client.transition_model_version_stage("penguins", "1", "None")
    assert rk.status("penguins")["production"] is None
    assert rk.promote("penguins").changed
    assert served(project) == "1"
    assert stages(project) == {"1": "Production"}


def test_a_version_that_answers_nothing_any_more_can_be_replaced(project, client, candidates):
    """Production of another table sets no standard, and must not block what would mend it."""
    with mlflow.start_run(experiment_id=project.experiment):
        info = mlflow.sklearn.log_model(
            LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="bare", pip_requirements=[]
        )
    version = str(mlflow.register_model(info.model_uri, "penguins").version)
    client.set_registered_model_alias("penguins", "production", version)
    result = rk.promote("penguins", version=1)
    assert (result.version, result.previous) == ("1", version)


def test_a_live_attempt_of_another_process_is_waited_for(project, monkeypatch, forks):
    monkeypatch.setattr("rookery.jobs.promote.WAIT_SECONDS", 0.5)
    holder = forks.start("promote", task="penguins", version="1", pause=("Tracking", "version"))
    while not any(row.outcome == "pending" for row in project.ledger.entries("penguins")):
        assert holder.lives()
    with pytest.raises(Unavailable, match="another promotion of penguins is under way") as caught:
        rk.promote("penguins")
    assert str(holder.pid) in caught.value.value
    assert rk.status("penguins")["pending"] is True
    holder.kill()
    holder.wait()
    assert rk.promote("penguins").version == "1"
    assert ledger(project)[1:] == [("1", None, "failed")]


def test_an_attempt_of_this_very_process_is_not_taken_for_a_dead_one(project):
    entry = project.ledger.begin("penguins", "1", "promotion")
    assert rk.status("penguins")["repaired"] == []
    assert project.ledger.entries("penguins")[-1].owner == this_process()
    project.ledger.remove(entry)
