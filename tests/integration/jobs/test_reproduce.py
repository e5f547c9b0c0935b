"""A version trained again, and what keeps it from coming out the same."""

import json
import shutil
from pathlib import Path

import mlflow
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from tests.conftest import write_task

import rookery as rk
from rookery.cli import run_command
from rookery.core.tags import COMMIT
from rookery.errors import InputError, Refused, Unavailable
from rookery.jobs.project import Project, open_project
from rookery.settings import get_settings


@pytest.fixture
def project(home_copy, monkeypatch) -> Project:
    monkeypatch.chdir(home_copy.parent)
    return open_project()


def run_of(project: Project, version: str = "1") -> str:
    return str(project.tracking.version("penguins", version).run_id)


def registered(project: Project, run_id: str) -> str:
    """Past the gate: what is compared need not be good."""
    return project.tracking.register("penguins", project.tracking.model_of_run(run_id), run_id, {})


def snapshots(project: Project) -> list[Path]:
    return list((project.settings.home / "artifacts").rglob("snapshot/*.parquet"))


def test_the_promoted_version_comes_again_to_the_last_bit(home):
    found = rk.reproduce(1)
    assert found.equal
    assert (found.source, found.other_metrics, found.next) == ("its task copy", [], None)
    assert (found.answers.rows, found.answers.different, found.answers.largest_gap) == (67, 0, 0.0)
    assert found.metrics["holdout_accuracy"] > 0.9


def test_every_family_comes_again_after_other_rows_and_another_task_file(project):
    """What the version keeps counts, not what the project has become."""
    rows = rk.sweep("penguins", cross_validate=False, register=False, without=["sex"]).rows
    write_task(project.settings.tasks_folder, target="island", candidates={"gaussian_nb": {}})
    shutil.rmtree(project.settings.home / "cache", ignore_errors=True)
    (project.settings.home / "tables.db").unlink()
    for row in rows:
        found = rk.reproduce(registered(project, row.run_id))
        assert (found.equal, found.source) == (True, "its task copy"), row.name


def test_a_candidate_given_in_python_comes_again_from_its_own_pipeline(project):
    trees = ExtraTreesClassifier(n_estimators=5, random_state=3)
    mine = rk.Candidate("mine", make_pipeline(OneHotEncoder(handle_unknown="ignore"), trees))
    rows = rk.sweep("penguins", cross_validate=False, register=False, extra=[mine]).rows
    run_id = next(row.run_id for row in rows if row.family == "mine")
    found = rk.reproduce(registered(project, run_id))
    assert found.equal
    assert found.source.startswith("its own pipeline")


def test_a_metric_that_was_another_ends_with_3_and_both_numbers(project, capfd):
    client = project.tracking.client
    client.log_metric(run_of(project), "holdout_accuracy", 0.5)
    client.set_tag(run_of(project), COMMIT, "c" * 40)
    assert run_command(["reproduce", "1", "--json"]) == 3
    found = json.loads(capfd.readouterr().out)
    (other,) = found["other_metrics"]
    assert (other["name"], other["before"], other["now"]) == ("holdout_accuracy", 0.5, 1.0)
    assert any(f"commit was {'c' * 40}" in each for each in found["differs"])
    assert found["next"].startswith(f"git checkout {'c' * 40}")
    assert run_command(["reproduce", "1", "--tolerance", "1"]) == 0


def test_other_libraries_are_named_then_and_now(project):
    (pins,) = (project.settings.home / "artifacts").rglob(f"{_model(project)}/**/requirements.txt")
    text = pins.read_text("utf-8")
    pins.write_text(text.replace("scipy==", "scipy==0.") + "unknown==1\n", "utf-8")
    found = rk.reproduce(1)
    assert found.equal
    assert [each.split()[0] for each in found.differs if each.startswith(("scipy", "unknown"))] == [
        "scipy"
    ]


def _model(project: Project) -> str:
    return project.tracking.model_of_run(run_of(project))


def test_a_snapshot_that_is_gone_is_named(project):
    for path in snapshots(project):
        path.unlink()
    with pytest.raises(InputError) as refused:
        rk.reproduce(1)
    assert "snapshot of version 1 of penguins is gone: runs:/" in refused.value.message


def test_a_snapshot_with_other_rows_is_refused(project):
    import pandas as pd

    (path,) = snapshots(project)
    pd.read_parquet(path).head(300).to_parquet(path)
    with pytest.raises(Refused) as refused:
        rk.reproduce(1)
    assert "holds other rows than it was trained on" in refused.value.message


def test_a_version_that_was_logged_by_hand_keeps_no_rows(project):
    version = _logged_by_hand(project)
    with pytest.raises(InputError) as refused:
        rk.reproduce(version)
    assert f"version {version} of penguins keeps no rows" in refused.value.message


def _logged_by_hand(project: Project) -> str:
    from rookery.stores.versions import load_version

    pipeline = load_version(project.tracking, "penguins", "1").pipeline
    mlflow.set_experiment("by hand")
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            serialization_format="skops",
            pip_requirements=[],
            skops_trusted_types=["numpy.dtype"],
        )
    return str(mlflow.register_model(info.model_uri, "penguins").version)


def test_a_version_that_does_not_exist_is_refused_with_those_that_do(home):
    with pytest.raises(InputError) as refused:
        rk.reproduce(7)
    assert (refused.value.value, refused.value.allowed) == ("7", "1")


def test_mlflow_that_is_away_is_not_a_difference(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    get_settings.cache_clear()
    with pytest.raises(Unavailable):
        rk.reproduce(1)


def test_a_difference_is_shown_in_rows_columns_settings_and_answers(project):
    """Version 2: 60 rows fewer and a row changed, a feature more, one tree instead of a line."""
    from rookery.core.cleaning import read_back

    table = read_back(project.tables.read("penguins_clean"), project.task)
    fewer = table.iloc[60:].copy()
    fewer.iloc[0, fewer.columns.get_loc("body_mass_g")] = 4321.0
    fewer.to_csv("fewer.csv", index=False)
    write_task(
        project.settings.tasks_folder,
        features={"bill": {"multiply": ["bill_length_mm", "bill_depth_mm"]}},
        candidates={"decision_tree": {"sets": [{"max_depth": 1}]}},
    )
    rk.ingest(source="fewer.csv")
    rk.clean()
    row = rk.sweep(cross_validate=False, register=False).best
    found = rk.diff(1, registered(project, row.run_id))
    assert (found.rows.before, found.rows.after) == (333, 273)
    assert (found.rows.added, found.rows.gone) == (1, 61)
    assert found.rows.first_added[0]["body_mass_g"] == 4321.0
    assert found.columns["species"]["rows of Adelie"] == [146, 86]
    assert found.features == {"bill": [None, {"multiply": ["bill_length_mm", "bill_depth_mm"]}]}
    assert found.family == ["logistic_regression", "decision_tree"]
    assert found.parameters["max_depth"] == [None, "1"]
    assert found.metrics["holdout_accuracy"][0] == 1.0
    assert found.libraries == {}
    assert 0 < found.predictions.flipped <= found.predictions.rows
    assert found.predictions.to_wrong == found.predictions.flipped  # version 1 is always right
    assert found.predictions.first[0].before == found.predictions.first[0].row["species"]


def test_the_difference_of_a_version_to_itself_is_nothing(home, capfd):
    assert run_command(["diff", "1", "1"]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "penguins: version 1 -> 1",
        "  answers: 0 of 67 hold-out rows differ, 0 now right, 0 now wrong",
    ]


def test_a_difference_to_a_version_without_rows_says_what_is_not_compared(project, capfd):
    version = _logged_by_hand(project)
    assert run_command(["diff", "1", version, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["rows"], found["predictions"]) == (None, None)
    assert "keeps no rows" in found["notes"][0]
    assert found["metrics"]["holdout_accuracy"] == [1.0, None]
