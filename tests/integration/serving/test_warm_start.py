"""Restarts on what was served last: before MLflow is imported, and while it is away."""

import hashlib
import json
import logging
import math
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from tests.integration.serving.commands import command
from tests.integration.serving.conftest import eventually, serving
from tests.integration.serving.test_swap import (
    Unheard,
    log_by_hand,
    register_forest,
)

from rookery.jobs.project import Project
from rookery.serving.metrics import Metrics
from rookery.serving.swap import Follower
from rookery.serving.warm import WarmCache
from rookery.settings import Settings, get_settings

HEAVY = ("mlflow", "sklearn", "pandas", "scipy", "skops", "sqlalchemy", "joblib")
Change = Any


def serve_uncompiled(project: Project) -> str:
    """Gives the alias to a version that scikit-learn itself answers for; its number."""
    pipeline = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression())
    version = log_by_hand(project, pipeline, serialization_format="skops")
    project.tracking.set_production("penguins", version)
    return version


def served_once(settings: Settings, record: dict[str, Any]) -> dict[str, Any]:
    """The answer of a server that was then stopped, and left its cache."""
    with serving(settings) as served:
        eventually((settings.cache / "served" / "penguins.kept").exists)
        return without_id(served.client.post("/predict", json=record))


def without_id(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    assert answer.status_code == 200, found
    assert found.pop("id")
    return found


@contextmanager
def away(home: Path) -> Iterator[None]:
    """The registry's file is not there; nor can MLflow make a new one."""
    shutil.move(home / "mlflow.db", home / "kept.db")
    (home / "mlflow.db").mkdir()
    try:
        yield
    finally:
        (home / "mlflow.db").rmdir()
        shutil.move(home / "kept.db", home / "mlflow.db")


def test_a_converted_model_answers_in_a_process_that_can_import_none_of_what_trained_it(
    project: Project, penguin: dict[str, Any], tmp_path: Path
) -> None:
    before = served_once(project.settings, penguin)
    second = register_forest(project)
    for name in HEAVY:
        (tmp_path / "hidden").mkdir(exist_ok=True)
        (tmp_path / "hidden" / f"{name}.py").write_text(f"raise ImportError('{name} is hidden')")
    with command(PYTHONPATH=str(tmp_path / "hidden")) as running:
        client = running.client
        assert without_id(client.post("/predict", json=penguin)) == before
        assert without_id(client.post("/predict", json=penguin)) == before
        answer = client.post("/predict/batch", json=[penguin] * 100).json()["predictions"]
        assert len(answer) == 100
        time.sleep(5 * project.settings.reload_seconds)
        assert client.get("/ready").json()["failed"] is None
        # another version cannot be loaded here, and the look at the registry says so
        project.tracking.set_production("penguins", second)
        eventually(lambda: client.get("/ready").json()["failed"])
        assert "ImportError" in client.get("/ready").json()["failed"]["message"]
        assert without_id(client.post("/predict", json=penguin)) == before
        assert client.get("/health").is_success
        assert "model_info" in client.get("/metrics").text


def test_a_restart_while_the_registry_fails_answers_and_follows_it_when_it_is_back(
    project: Project, penguin: dict[str, Any]
) -> None:
    before = served_once(project.settings, penguin)
    second = register_forest(project)
    with closing(sqlite3.connect(project.settings.home / "mlflow.db")) as database:
        database.execute("ALTER TABLE registered_models RENAME TO elsewhere")
        with command() as running:
            eventually(lambda: running.client.get("/ready").json()["failed"])
            assert without_id(running.client.post("/predict", json=penguin)) == before
            database.execute("ALTER TABLE elsewhere RENAME TO registered_models")
            eventually(lambda: running.client.get("/ready").json()["failed"] is None)
            project.tracking.set_production("penguins", second)
            eventually(lambda: running.client.get("/ready").json()["version"] == "2")


def test_a_restart_while_mlflow_cannot_be_reached_answers(
    project: Project, penguin: dict[str, Any]
) -> None:
    before = served_once(project.settings, penguin)
    with away(project.settings.home), command() as running:
        assert without_id(running.client.post("/predict", json=penguin)) == before


def test_what_no_look_expects_is_told_and_does_not_end_the_following(
    project: Project,
    penguin: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served_once(project.settings, penguin)
    second = register_forest(project)
    here, gone = Path.cwd(), tmp_path / "gone"
    gone.mkdir()
    follower = Follower("penguins", project.settings, Metrics())
    follower.start()
    try:
        assert follower.loaded is not None
        monkeypatch.chdir(gone)
        gone.rmdir()
        eventually(lambda: follower.failure)
        monkeypatch.chdir(here)
        project.tracking.set_production("penguins", second)
        eventually(lambda: follower.loaded and follower.loaded.description.version == second)
        assert follower.reload().result(10).outcome == "unchanged"
    finally:
        follower.stop()


def test_a_model_that_is_not_converted_answers_again_while_mlflow_is_away(
    project: Project, numbers: dict[str, Any]
) -> None:
    version = serve_uncompiled(project)
    before = served_once(project.settings, numbers)
    with away(project.settings.home), command() as running:
        assert running.client.get("/ready").json()["version"] == version
        assert running.client.get("/model").json()["path"] == "pipeline"
        assert without_id(running.client.post("/predict", json=numbers)) == before


def test_a_kept_version_that_has_lost_the_alias_is_replaced_and_so_is_what_is_kept(
    project: Project, penguin: dict[str, Any]
) -> None:
    served_once(project.settings, penguin)
    served = project.settings.cache / "served"
    (first,) = (served / "models").iterdir()
    project.tracking.set_production("penguins", register_forest(project))
    with serving(project.settings) as running:
        eventually(lambda: running.version() == "2")
        eventually(lambda: not first.exists())
    with away(project.settings.home), serving(project.settings) as running:
        assert running.version() == "2"


def test_a_version_that_lost_its_alias_while_we_were_away_keeps_serving_with_a_warning(
    project: Project, penguin: dict[str, Any]
) -> None:
    served_once(project.settings, penguin)
    project.tracking.client.delete_registered_model_alias("penguins", "production")
    with serving(project.settings) as running:
        eventually(lambda: running.client.get("/ready").json()["warnings"])
        assert running.version() == "1"


@pytest.mark.parametrize(
    "changes",
    [{"model_alias": "champion"}, {"mlflow_tracking_uri": "http://127.0.0.1:9"}],
    ids=["alias", "registry"],
)
def test_what_was_kept_under_another_name_is_not_known(
    project: Project, penguin: dict[str, Any], changes: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    served_once(project.settings, penguin)
    assert WarmCache("penguins", project.settings).read()
    assert WarmCache("flats", project.settings).read() is None
    caplog.clear()
    other = project.settings.model_copy(update=changes)
    assert WarmCache("penguins", other).read() is None
    assert not caplog.records


def test_what_another_rookery_kept_is_not_known(
    project: Project, penguin: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    served_once(project.settings, penguin)
    monkeypatch.setattr("rookery.__version__", "99.0")
    assert WarmCache("penguins", project.settings).read() is None


def test_what_is_kept_is_what_was_served_whatever_its_metrics_and_labels_are(
    kept: Path, home: Path, tmp_path: Path
) -> None:
    found = WarmCache("penguins", get_settings()).read()
    assert found
    odd = {"log_loss": math.nan, "ratio": math.inf, "rmse": 0.1}
    one = found.description
    odd_one = replace(one, lineage=replace(one.lineage, metrics=odd), labels=(True, 1, 1.5, "1"))
    cache = WarmCache("odd", get_settings().model_copy(update={"rookery_home": tmp_path}))
    cache.keep(replace(found, description=odd_one), lambda to: to)
    again = WarmCache("odd", cache.settings).read()
    assert again
    assert repr(again.description) == repr(odd_one)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def foreign(path: Path) -> None:
    path.write_text('{"rookery": [], "files": 1, "format": 7}')


DAMAGES = [truncate, flip, empty, foreign]


@pytest.fixture(scope="module")
def kept(promoted_home: Path) -> Iterator[Path]:
    """The cache that one server of the session's project leaves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROOKERY_HOME", str(promoted_home))
        patch.setenv("ROOKERY_TASK", "penguins")
        get_settings.cache_clear()
        settings = get_settings()
        with serving(settings):
            eventually((settings.cache / "served" / "penguins.kept").exists)
        get_settings.cache_clear()
        yield settings.cache / "served"


@pytest.mark.parametrize("damage", [*DAMAGES, remove], ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", ["predictor.json", "arrays.npz", "penguins.kept"])
def test_a_damaged_cache_is_left_alone_and_told_of(
    kept: Path, home: Path, tmp_path: Path, name: str, damage: Change,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    cache = WarmCache("penguins", get_settings())
    cache.folder = tmp_path / "served"
    cache.file = cache.folder / "penguins.kept"
    shutil.copytree(kept, cache.folder)
    assert cache.read()
    caplog.clear()
    (path,) = cache.folder.rglob(name)
    damage(path)
    with caplog.at_level(logging.WARNING, "rookery.serving"):
        assert cache.read() is None
        assert cache.read_folder() is None
    assert bool(caplog.records) is (damage is not remove or name != "penguins.kept")


def test_the_converted_form_of_another_model_is_not_taken_for_ours(
    project: Project, penguin: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    served_once(project.settings, penguin)
    served = project.settings.cache / "served"
    (ours,) = (served / "models").iterdir()
    shutil.move(ours, served.parent / "ours")
    project.tracking.set_production("penguins", register_forest(project))
    described = (served / "penguins.kept").read_bytes()
    with serving(project.settings) as running:
        eventually(lambda: running.version() == "2")
        eventually(lambda: (served / "penguins.kept").read_bytes() != described)
    (theirs,) = (served / "models").iterdir()
    shutil.move(theirs, ours)
    (served / "penguins.kept").write_bytes(described)
    assert WarmCache("penguins", project.settings).read() is None
    assert "is not what was kept" in caplog.text


def test_a_cache_that_is_damaged_delays_the_first_answer_and_nothing_else(
    project: Project, penguin: dict[str, Any]
) -> None:
    before = served_once(project.settings, penguin)
    truncate(project.settings.cache / "served" / "penguins.kept")
    assert served_once(project.settings, penguin) == before


@pytest.fixture
def kept_folder(project: Project, numbers: dict[str, Any]) -> Path:
    """The kept folder of a model that is not converted."""
    serve_uncompiled(project)
    served_once(project.settings, numbers)
    assert WarmCache("penguins", project.settings).read() is None
    assert WarmCache("penguins", project.settings).read_folder()
    (folder,) = (project.settings.cache / "served" / "models").iterdir()
    return folder


@pytest.mark.parametrize("name", ["model", "old", "new"])
def test_a_model_that_is_not_converted_is_kept_whatever_its_folder_is_called(
    project: Project, numbers: dict[str, Any], name: str
) -> None:
    number, tracking = serve_uncompiled(project), project.tracking
    folder = tracking.download(f"models:/penguins/{number}", project.settings.home / "artifacts")
    source = folder.rename(folder.with_name(name)).as_uri()
    run_id = tracking.version("penguins", number).run_id
    again = tracking.client.create_model_version("penguins", source, run_id)
    project.tracking.set_production("penguins", str(again.version))
    served_once(project.settings, numbers)
    assert WarmCache("penguins", project.settings).read_folder()


def hostile(path: Path) -> None:
    """A pickle that would leave a trace."""
    path.write_bytes(b"cos\nmkdir\n(S'" + os.fsencode(path.parent / "ran") + b"'\ntR.")


@pytest.mark.parametrize("name", ["model.skops", "MLmodel"])
def test_a_damaged_model_folder_is_left_alone_and_told_of(
    project: Project, kept_folder: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (kept_folder / name).read_bytes()
    for damage in (*DAMAGES, remove, hostile):
        caplog.clear()
        damage(kept_folder / name)
        if name == "MLmodel" and damage is flip:
            continue  # a byte of a comment or a date harms nothing
        assert WarmCache("penguins", project.settings).read_folder() is None, damage.__name__
        assert "is not used" in caplog.text
        assert not (kept_folder / "ran").exists()
        (kept_folder / name).write_bytes(whole)


def test_the_trust_rule_holds_for_what_is_kept(
    project: Project, kept_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Even where whoever wrote the cache made every digest fit."""
    data = skops.io.dumps(make_pipeline(Unheard(), StandardScaler(), LogisticRegression()))
    (kept_folder / "model.skops").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    file = project.settings.cache / "served" / "penguins.kept"
    told = json.loads(file.read_text().partition("\n")[2])
    told["description"]["model_digest"] = digest
    text = json.dumps(told)
    file.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    kept_folder.rename(kept_folder.with_name(digest))
    assert WarmCache("penguins", project.settings).read_folder() is None
    assert f"{Unheard.__module__}.Unheard" in caplog.text
