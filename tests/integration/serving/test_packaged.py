"""A packaged model, served from its folder alone."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.sklearn
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from tests.conftest import point_at, write_task
from tests.integration.serving.commands import Command, command
from tests.integration.serving.conftest import ADMIN
from tests.integration.serving.test_swap import log_by_hand
from tests.integration.serving.test_warm_start import flip, foreign, remove, without_id

import rookery as rk
from rookery.cli import run_command
from rookery.core.examples import examples_of
from rookery.errors import InputError, NotPromoted, Refused, Unavailable
from rookery.jobs.image_check import check_answers
from rookery.jobs.project import Project
from rookery.serving.chosen import choose
from rookery.serving.packaged import read_packaged, write_packaged
from rookery.settings import get_settings

# what neither image has; the second kind has the libraries that a pipeline needs
NOWHERE = ("mlflow", "sqlalchemy", "ruamel", "requests")
NOT_CONVERTED = (*NOWHERE, "sklearn", "pandas", "scipy", "skops", "joblib")


@pytest.fixture
def fetched(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


@pytest.fixture(scope="module")
def written(promoted_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the promoted version, which is converted."""
    place = tmp_path_factory.mktemp("packaged")
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, promoted_home.parent)
        chosen = choose("penguins", place)
        assert chosen.is_converted
        chosen.write(place / "model")
    get_settings.cache_clear()
    return place / "model"


@pytest.fixture
def packed(home: Path, written: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    return Path(shutil.copytree(written, tmp_path / "model"))


def test_a_link_in_a_model_s_folder_brings_no_file_of_the_host_into_an_image(packed, tmp_path):
    (tmp_path / "secret").write_text("hunter2")
    model = packed / "model"
    (model / "deep").mkdir()
    (model / "deep" / "notes").symlink_to(tmp_path / "secret")
    loaded = read_packaged(packed, strict=True)
    with pytest.raises(Refused, match="deep/notes is a symbolic link"):
        write_packaged(
            tmp_path / "context",
            loaded.description,
            loaded.predictor,
            alias=None,
            model=model,
            data=b"",
            examples=examples_of((packed / "examples.json").read_bytes()),
        )
    assert not (tmp_path / "context").exists()


@pytest.fixture
def plain(project: Project, tmp_path: Path, fetched: Path) -> Path:
    """The folder of a version that scikit-learn itself answers for."""
    pipeline = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression())
    version = log_by_hand(project, pipeline, serialization_format="skops")
    chosen = choose("penguins", fetched, version=int(version))
    assert not chosen.is_converted
    chosen.write(tmp_path / "model")
    return tmp_path / "model"


@contextmanager
def served_alone(model: Path, hidden: tuple[str, ...], **environment: str) -> Iterator[Command]:
    """The command with that folder and no other store, in a process that lacks these libraries."""
    shadows = model.parent / "hidden"
    shadows.mkdir()
    for name in hidden:
        (shadows / f"{name}.py").write_text(f"raise ImportError('{name} is hidden')")
    apart = {"MODEL_DIR": str(model), "ROOKERY_HOME": "/nonexistent", "PYTHONPATH": str(shadows)}
    with command(**(apart | environment)) as running:
        yield running


def test_a_converted_model_answers_without_what_trained_it(packed: Path) -> None:
    examples = examples_of((packed / "examples.json").read_bytes())
    assert len(examples.records) == 3
    with served_alone(packed, NOT_CONVERTED, API_ADMIN_TOKEN="let-me-in") as running:
        client = running.client
        check_answers(running.url.rstrip("/"), examples)
        ready = client.get("/ready").json()
        assert (ready["version"], ready["alias"], ready["via"]) == ("1", "production", "package")
        card = client.get("/model").json()
        assert card["path"] in ("linear", "trees")
        assert card["digest"]
        assert card["run_link"] is None
        assert client.get("/docs").is_success
        assert "penguins" in client.get("/openapi.json").text
        reload = client.post("/reload", headers=ADMIN)
        assert reload.status_code == 409
        assert "MODEL_DIR" in reload.json()["detail"]
        assert client.get("/model/versions").status_code == 404
        assert client.get(f"/predictions/{'0' * 32}").status_code == 404
        answer = client.post("/models/penguins/predict", json=examples.records[0])
        assert without_id(answer)["version"] == "1"


def test_a_model_that_its_pipeline_answers_for_needs_no_mlflow(plain: Path) -> None:
    examples = examples_of((plain / "examples.json").read_bytes())
    with served_alone(plain, NOWHERE) as running:
        assert running.client.get("/model").json()["path"] == "pipeline"
        check_answers(running.url.rstrip("/"), examples)


def test_a_regressor_whose_columns_have_gaps_is_checked_with_its_own_rows(
    two_models: Path, fetched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, two_models)
    choose("flats", fetched).write(tmp_path / "model")
    examples = examples_of((tmp_path / "model" / "examples.json").read_bytes())
    kinds = {name: type(value) for name, value in examples.records[-1].items()}
    assert kinds == {"area_m2": float, "rooms": int, "balcony": bool, "built": str, "district": str}
    loaded = read_packaged(tmp_path / "model", strict=True)
    for place, record in enumerate(examples.records):
        said = loaded.predictor.predict(loaded.reader.rows([record]))
        answer = loaded.description.answer(said.labels[0], None, "1")
        assert examples.difference(place, answer) is None


def test_several_workers_serve_the_folder_too(packed: Path) -> None:
    examples = examples_of((packed / "examples.json").read_bytes())
    with served_alone(packed, NOT_CONVERTED, API_WORKERS="2") as running:
        check_answers(running.url.rstrip("/"), examples)


@pytest.mark.parametrize("damage", [flip, foreign, remove])
@pytest.mark.parametrize("name", ["model.json", "predictor/predictor.json", "predictor/arrays.npz"])
def test_what_is_not_what_was_packaged_is_not_served(
    packed: Path, name: str, damage: Any, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    damage(packed / name)
    monkeypatch.setenv("MODEL_DIR", str(packed))
    monkeypatch.setenv("API_HOST", "no host, so that it could not listen")
    get_settings.cache_clear()
    assert run_command(["serve"]) == 2
    assert f"MODEL_DIR={packed} cannot be served" in capsys.readouterr().err


def test_another_model_in_the_place_of_the_packaged_one_is_not_served(
    plain: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(plain / "model" / "model.skops")
    monkeypatch.setenv("MODEL_DIR", str(plain))
    get_settings.cache_clear()
    assert run_command(["serve"]) == 2
    assert "not the model that was kept" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("PREDICTION_LOG", "true"), ("SHADOW", "challenger")])
def test_what_needs_a_store_is_refused_beside_a_packaged_model(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("MODEL_DIR", "/model")
    assert get_settings().prediction_log is False
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    with pytest.raises(InputError, match=name):
        get_settings()


def test_a_model_that_was_trained_from_files_is_packaged_without_a_registry(
    home_copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: Path
) -> None:
    monkeypatch.chdir(home_copy.parent)
    rk.sweep("penguins", cross_validate=False, register=False)
    trained = rk.train(models_dir="out")
    (home_copy / "mlflow.db").unlink()
    chosen = choose(None, fetched, models_dir=Path("out"))
    one = chosen.description
    assert one.name == "penguins"
    assert one.version == f"unregistered-{one.model_digest[:8]}"
    assert one.lineage.digest == trained.digest
    assert one.lineage.metrics == trained.metrics
    chosen.write(tmp_path / "model")
    assert not (home_copy / "mlflow.db").exists()
    with served_alone(tmp_path / "model", NOWHERE) as running:
        assert running.client.get("/ready").json()["alias"] is None
    with pytest.raises(InputError, match="holds a model of penguins"):
        choose("flats", fetched, models_dir=Path("out"))


def test_each_wrong_choice_is_one_message(project: Project, fetched: Path, tmp_path: Path) -> None:
    with pytest.raises(NotPromoted, match="'champion'"):
        choose("penguins", fetched, alias="champion")
    with pytest.raises(InputError, match="has no version 9"):
        choose("penguins", fetched, version=9)
    with pytest.raises(InputError, match="--alias and --version each name a model"):
        choose("penguins", fetched, alias="production", version=1)
    with pytest.raises(InputError, match="has no model/"):
        choose("penguins", fetched, models_dir=tmp_path)
    pickled = log_by_hand(project, DummyClassifier(), serialization_format="cloudpickle")
    with pytest.raises(Refused, match="can run code"):
        choose("penguins", fetched, version=int(pickled))


def test_a_model_that_no_record_is_known_for_is_not_packaged(
    project: Project, fetched: Path, tmp_path: Path
) -> None:
    rows = project.tables.read("penguins_clean")[["body_mass_g"]].astype(float)
    fitted = LogisticRegression().fit(rows, [str(each) for each in rows["body_mass_g"] > 4000])
    with mlflow.start_run(experiment_id=project.experiment):
        logged = mlflow.sklearn.log_model(
            fitted,
            name="model",
            registered_model_name="penguins",
            pip_requirements=[],
            serialization_format="skops",
        )
    chosen = choose("penguins", fetched, version=int(logged.registered_model_version))
    with pytest.raises(InputError, match="no input example"):
        chosen.write(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("arguments", [["--check", "penguins:1"], ["--tag", "penguins:1"]])
def test_without_an_engine_the_command_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], arguments: list[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_command(["package", *arguments, "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == Unavailable.__name__
    assert "no docker command" in error["message"]
    assert "docs.docker.com" in error["next"]


def test_outside_a_clone_the_command_says_where_it_can_be_called(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_task(tmp_path / "tasks")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no clone of Rookery"):
        rk.package("penguins", tags="penguins:1")


def test_a_check_takes_an_image_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["package", "penguins", "--check", "penguins:1"]) == 2
    assert "--check takes an image" in capsys.readouterr().err
