"""From a sweep to files, and from files to the same model."""

import json
import shutil
from pathlib import Path

import mlflow
import numpy as np
import palmerpenguins
import pandas as pd
import pytest
import skops.io
from tests.conftest import write_task
from tests.integration.serving.conftest import FLATS, write_flats

import rookery as rk
from rookery.cli import run_command
from rookery.core.taskfile import parse_task
from rookery.errors import InputError, Refused, RookeryError, Unavailable
from rookery.jobs.project import open_project
from rookery.jobs.rows import read_clean
from rookery.settings import get_settings
from rookery.stores.configurations import read_configuration, write_configuration
from rookery.stores.trust import trusted_types

CONFIG = Path("configs/model_config.yaml")


@pytest.fixture
def place(home_copy, monkeypatch) -> Path:
    """A promoted project, and the folder that commands are called in."""
    monkeypatch.chdir(home_copy.parent)
    return home_copy.parent


@pytest.fixture
def alone(place) -> Path:
    """The same with nothing left but its files: no table, no run."""
    shutil.rmtree(place / "home")
    get_settings.cache_clear()
    return place


def changed_config(**lines: str) -> None:
    text = CONFIG.read_text("utf-8")
    for old, new in lines.items():
        assert old in text
        text = text.replace(old, new)
    CONFIG.write_text(text, "utf-8")


def test_a_sweep_leaves_the_winner_in_the_project_and_with_its_run(place, tmp_path):
    project = open_project()
    found = read_configuration(CONFIG).trained
    run = project.tracking.run(found.run_id)
    assert found.metrics.items() <= run.data.metrics.items()
    assert (found.family, found.digest) == (
        run.data.tags["family"],
        run.data.tags["rookery.digest"],
    )
    artifact = project.tracking.download(f"runs:/{found.run_id}/{CONFIG.name}", tmp_path)
    assert artifact.read_text("utf-8") == CONFIG.read_text("utf-8")
    assert (place / "configs/penguins" / CONFIG.name).read_text("utf-8") == CONFIG.read_text(
        "utf-8"
    )


def test_tasks_keep_their_configurations_apart(place):
    mine = CONFIG.read_text("utf-8")
    path = write_task(place / "tasks", name="other")
    task = parse_task(path.read_text("utf-8"), path.name)
    found = read_configuration(CONFIG)
    other = found.trained.model_copy(update={"task": "other"})
    last, own = write_configuration(place / "configs", type(found)(other, task))
    assert read_configuration(last).task.name == read_configuration(own).task.name == "other"
    assert (place / "configs/penguins" / CONFIG.name).read_text("utf-8") == mine


def test_the_same_rows_give_the_same_bits_without_a_store(alone):
    digest = read_configuration(CONFIG).trained.digest
    first = rk.train(processed_dir="processed", tolerance=0)
    assert "equal to the last bit" in first.compared
    for name in ("cleaned_penguins.csv", "featured_penguins.csv"):
        again = rk.train(data=Path("processed") / name, tolerance=0)
        assert (again.digest, again.rows, again.metrics) == (digest, first.rows, first.metrics)
    palmerpenguins.load_penguins().to_csv("raw.csv", index=False, na_rep="NA")
    raw = rk.train(data="raw.csv", tolerance=0)
    assert (raw.digest, raw.metrics, raw.rejected) == (digest, first.metrics, 11)
    assert not (alone / "home").exists()


def test_a_candidate_fitted_in_a_worker_process_comes_again_to_the_last_bit(place):
    few = {"hist_gradient_boosting": {"fixed": {"max_iter": 5}}, "ridge": {}}
    write_task(place / "tasks", candidates=few)
    found = rk.sweep("penguins", jobs=2, register=False)
    assert "cv_accuracy" in found.best.metrics
    assert found.configuration == str(place / CONFIG)
    assert "equal to the last bit" in rk.train(tolerance=0).compared


def test_numbers_dates_and_gaps_come_again_to_the_last_bit(place):
    write_flats(place / "flats.csv")
    write_task(place / "tasks", **FLATS, source={"csv": str(place / "flats.csv")})
    rk.ingest("flats")
    rk.clean("flats")
    version = rk.sweep("flats", cross_validate=False).version
    first = rk.train(processed_dir=".", tolerance=0)
    assert (first.task, "equal to the last bit" in first.compared) == ("flats", True)
    assert rk.train(data="featured_flats.csv", tolerance=0).digest == first.digest
    assert rk.reproduce(version, "flats").equal
    found = rk.diff(version, version, "flats")
    assert (found.predictions.flipped, found.predictions.largest_gap) == (0, 0.0)


def test_however_the_source_wrote_them_the_rows_are_the_same_in_both_files(place):
    """`a` and `b` change places when they are cleaned, and would again."""
    lines = [f"{'ab'[number % 2]};{1000 + number * 7:,};'x'" for number in range(60)]
    Path("marks.csv").write_text("\n".join(["what (kind);price €;who", *lines]), "utf-8")
    columns = {
        "kind": {
            "type": "category",
            "values": ["a", "b"],
            "required": True,
            "source_name": "what (kind)",
            "replace": {"a": "b", "b": "a"},
        },
        "price": {"type": "float", "thousands": ",", "required": True, "source_name": "price €"},
        "who": {"type": "category", "values": ["x"], "strip": ["'"]},
    }
    learning = {
        "target": "kind",
        "cleaning": {},
        "candidates": {"logistic_regression": {}},
        "gate": {},
    }
    source = {"csv": str(Path("marks.csv").resolve()), "separator": ";"}
    write_task(place / "tasks", name="marks", columns=columns, source=source, **learning)
    rk.ingest("marks")
    rk.clean("marks")
    rk.sweep("marks", cross_validate=False, register=False)
    first = rk.train(processed_dir=".", tolerance=0)
    assert rk.train(data="cleaned_marks.csv", tolerance=0).digest == first.digest
    assert rk.train(data="featured_marks.csv", tolerance=0).digest == first.digest


def test_the_folder_holds_an_mlflow_model_that_answers_as_the_promoted_one(place):
    project = open_project()
    rows = read_clean(project)[project.task.inputs]
    wanted = [answer["prediction"] for answer in rk.predict(rows.head(40))]
    result = rk.train(models_dir="out")
    assert [Path(path).name for path in result.files] == ["model", "metrics.json"]
    said = json.loads(Path("out/metrics.json").read_text("utf-8"))
    assert (said["metrics"], said["digest"]) == (result.metrics, result.digest)
    model = mlflow.pyfunc.load_model("out/model")
    assert list(model.predict(rows.head(40))) == wanted


def test_the_preprocessing_is_what_the_pipeline_begins_with(alone):
    result = rk.train(processed_dir="processed", prepare_only=True)
    assert (result.metrics, result.run_id) == ({}, None)
    assert not Path("models").exists()
    path = Path("processed/preprocessing_penguins.skops")
    fitted = skops.io.loads(path.read_bytes(), trusted=list(trusted_types()))
    task = read_configuration(CONFIG).task
    rows = pd.read_csv("processed/featured_penguins.csv")
    rk.train()
    folder = Path("models/model/model.skops").read_bytes()
    whole = skops.io.loads(folder, trusted=list(trusted_types()))
    X = rows[task.inputs]
    np.testing.assert_array_equal(fitted.transform(X), whole[:-1].transform(X))


def test_other_rows_are_trained_on_and_not_compared(alone):
    palmerpenguins.load_penguins().head(250).to_csv("raw.csv", index=False, na_rep="NA")
    result = rk.train(data="raw.csv", tolerance=0)
    assert "metrics are not compared" in result.compared
    assert result.rows < 250


def test_other_metrics_of_the_same_rows_are_refused_number_by_number(alone, capfd):
    was = read_configuration(CONFIG).trained.metrics["holdout_log_loss"]
    changed_config(**{f"holdout_log_loss: {was!r}": "holdout_log_loss: 0.5"})
    numpy = read_configuration(CONFIG).trained.libraries["numpy"]
    changed_config(**{f"numpy: {numpy}": "numpy: 1.0.0"})
    with pytest.raises(Refused) as refused:
        rk.train()
    assert f"holdout_log_loss was 0.5, is {was!r}" in refused.value.message
    assert f"numpy 1.0.0 then, {numpy} now" in refused.value.message
    assert not Path("models/model").exists()
    assert run_command(["train", "--json"]) == 3
    assert json.loads(capfd.readouterr().out)["error"]["value"] == {"holdout_log_loss": was}
    assert run_command(["train", "--tolerance", "10"]) == 0


def test_without_metrics_there_is_nothing_to_compare_with(alone):
    text = CONFIG.read_text("utf-8")
    before, _, rest = text.partition("metrics:\n")
    after = rest[rest.index("\ndigest:") + 1 :]
    CONFIG.write_text(before + after, "utf-8")
    assert "names no metrics" in rk.train().compared


def test_parameters_that_no_estimator_takes_are_named(alone):
    changed_config(**{"  C: 1.0": "  C: -1.0"})
    with pytest.raises(InputError) as refused:
        rk.train()
    assert "logistic_regression cannot be fitted" in refused.value.message


def test_a_logged_run_becomes_a_version_and_no_alias_moves(place):
    result = rk.train(mlflow_tracking_uri=get_settings().tracking_uri)
    run_id = Path("models/run_id.txt").read_text("utf-8").strip()
    assert run_id == result.run_id
    address = Path("models/tracking_uri.txt").read_text("utf-8").strip()
    assert address == get_settings().tracking_uri
    found = rk.register(run_id)
    assert (found.version, found.new) == ("2", True)
    again = rk.register(run_id)
    assert (again.version, again.new) == ("2", False)
    assert rk.query().version == "1"
    assert rk.reproduce(2).equal
    rk.train()
    left = {path.name for path in Path("models").iterdir()}
    assert left == {"model", "metrics.json"}  # the others were another training's


def test_a_run_of_another_server_is_refused_with_both_names(place, monkeypatch):
    there = get_settings().tracking_uri
    run_id = rk.train(mlflow_tracking_uri=there).run_id
    here = f"sqlite:///{place / 'another.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", here)
    get_settings.cache_clear()
    with pytest.raises(InputError) as refused:
        rk.register(run_id)
    assert refused.value.message.startswith(
        f"there is no run {run_id!r} at {here}; it was trained at {there}"
    )
    assert there in str(refused.value.next)
    with pytest.raises(InputError, match=f"there is no run 'another' at {here}"):
        rk.register("another")  # of which the folder does not speak


def test_a_machine_without_tables_judges_on_the_rows_of_the_run(place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{place / 'empty.db'}")
    monkeypatch.setenv("ROOKERY_TASK", "another")  # the run says of which task it is
    get_settings.cache_clear()
    run_id = rk.train(mlflow_tracking_uri=get_settings().tracking_uri).run_id
    found = rk.register(run_id)
    assert (found.task, found.version) == ("penguins", "2")
    assert (
        found.metrics["log_loss"] == read_configuration(CONFIG).trained.metrics["holdout_log_loss"]
    )


def test_the_gate_is_asked_before_a_version_is_made(place):
    rows = rk.sweep("penguins", cross_validate=False, register=False).rows
    worse = next(row for row in rows if row.name == "decision_tree-2")
    write_task(place / "tasks", gate={"minimum": {"accuracy": 0.999}})
    with pytest.raises(Refused) as refused:
        rk.register(worse.run_id)
    assert "misses the gate's 0.999" in refused.value.message
    assert [each["version"] for each in rk.status()["versions"]] == ["1"]
    assert rk.status()["ledger"][-1]["outcome"] == "refused"


def test_a_query_names_what_carries_an_alias_and_where_it_lies(place, capfd):
    found = rk.query()
    assert (found.version, found.uri) == ("1", "models:/penguins@production")
    assert found.digest == read_configuration(CONFIG).trained.digest
    assert found.metrics == read_configuration(CONFIG).trained.metrics
    mlflow.sklearn.load_model(found.source)
    assert run_command(["query", "--alias", "challenger", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert (error["value"], error["allowed"]) == ("challenger", "one of production")


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_sweep(place):
    shutil.rmtree("configs")
    Path("configs").write_text("a file", "utf-8")
    found = rk.sweep("penguins", cross_validate=False, register=False)
    assert found.configuration is None
    assert "cannot be written" in found.configuration_note
    assert found.best.run_id in found.configuration_note


def test_a_sweep_without_some_columns_leaves_the_configuration_as_it_is(place):
    before = CONFIG.read_text("utf-8")
    found = rk.sweep("penguins", cross_validate=False, without=["island"])
    assert (found.configuration, found.configuration_note) == (None, "")
    assert CONFIG.read_text("utf-8") == before


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"config": "none.yaml"}, InputError, "none.yaml cannot be read"),
        ({"data": "none.csv"}, InputError, "there is no file none.csv"),
        ({"data": "tasks"}, InputError, "--data tasks is not a file of rows"),
        ({"data": "configs/model_config.yaml"}, InputError, "is not a file of rows"),
        ({"models_dir": "configs/model_config.yaml"}, InputError, "--models-dir"),
        ({"processed_dir": "tasks/penguins.yaml/x"}, InputError, "--processed-dir"),
        ({"mlflow_tracking_uri": ""}, InputError, "set but empty"),
        ({"mlflow_tracking_uri": "http://u:p@localhost"}, InputError, "user or password"),
        ({"mlflow_tracking_uri": "http://127.0.0.1:9"}, Unavailable, "does not answer"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_by_name(alone, given, kind, words):
    with pytest.raises(RookeryError) as refused:
        rk.train(**given)
    assert isinstance(refused.value, kind)
    assert words in refused.value.message
    assert not Path("models/model").exists()


def test_rows_that_are_not_clean_are_refused_in_a_file_that_says_they_are(alone):
    rk.train(processed_dir=".", prepare_only=True)
    path = Path("cleaned_penguins.csv")
    rows = pd.read_csv(path)
    rows.assign(body_mass_g=1.0).to_csv(path, index=False)
    with pytest.raises(InputError) as refused:
        rk.train(data=path)
    assert "333 rows of cleaned_penguins.csv are not clean" in refused.value.message
