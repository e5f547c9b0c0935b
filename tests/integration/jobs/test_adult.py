"""Adult income, the task as shipped: the real files where there are any, and rows like them."""

import hashlib
import os
import random
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from tests.conftest import TASKS, point_at
from tests.integration.serving.conftest import eventually, serving

import rookery as rk
from rookery.jobs.project import open_project
from rookery.jobs.rows import read_clean
from rookery.settings import get_settings
from rookery.stores.versions import load_production

COPIES = os.environ.get("ROOKERY_TEST_DATA")
FAST = {
    "logistic_regression": {"fixed": {"max_iter": 500}},
    "lightgbm": {"sets": [{"n_estimators": 20, "num_leaves": 7}]},
    "xgboost": {"sets": [{"n_estimators": 20, "max_depth": 3}]},
    "knn": {"max_rows": 100, "above_max_rows": "skip"},
    "decision_tree": {"sets": [{"max_depth": 3}], "max_rows": 150},
}


def lines(task, count: int, seed: int, end: str = "") -> list[str]:
    """Rows in the form of the files: a blank after each comma, `?` for what is missing."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        row = {}
        for name in task["source"]["web"]["header"]:
            column = task["columns"][name]
            known = column.get("values")
            row[name] = draw.choice(known) if known else draw.randint(1, 90)
            if not column.get("required") and draw.random() < 0.1:
                row[name] = "?"
        earns = draw.random() < (0.7 if row["education_num"] > 45 else 0.1)
        row["education_num"] = 14 if row["education_num"] > 45 else 9
        row["income"] = (">50K" if earns else "<=50K") + end
        found.append(", ".join(map(str, row.values())))
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the shipped task, over generated files and fast candidates."""
    place = tmp_path_factory.mktemp("adult")
    yaml = YAML()
    task = yaml.load(TASKS / "adult.yaml")
    train, test = lines(task, 700, 1), lines(task, 300, 2, end=".")
    train.append(train[0])  # a repeat within a part, and one across
    test.append(train[3] + ".")
    (place / "files").mkdir()
    texts = ["\n".join(train), "|1x3 Cross validator\n" + "\n".join(test)]
    for file, text in zip(task["source"]["web"]["files"], texts, strict=True):
        content = f"{text}\n\n".encode()
        (place / "files" / file["name"]).write_bytes(content)
        file["sha256"] = hashlib.sha256(content).hexdigest()
    task["candidates"] = FAST
    task["threshold"] = {"cost": {"false_positive": 1, "false_negative": 4}}
    task["gate"] = {"minimum": {"roc_auc": 0.6}, "not_worse_than_production": False}
    task["checks"] = {}  # made-up rows and a quick model: nothing that is known holds
    (place / "tasks").mkdir()
    with (place / "tasks" / "adult.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(task, file)
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, place)
        patch.setenv("SOURCE_FILES", str(place / "files"))
        patch.setenv("MODEL_NAME", "adult")
        get_settings.cache_clear()
        yield place
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def done(project):
    """The four jobs over it."""
    return rk.run("adult", jobs=1)


@pytest.fixture
def adult(project, done, monkeypatch):
    point_at(monkeypatch, project)
    monkeypatch.setenv("SOURCE_FILES", str(project / "files"))
    monkeypatch.setenv("MODEL_NAME", "adult")
    get_settings.cache_clear()
    return open_project("adult")


def test_both_files_make_one_table_and_repeats_are_dropped_across_the_parts(done, adult):
    assert done.cleaned.raw == 1002
    assert (done.cleaned.rejected, done.cleaned.duplicates) == (0, 2)
    rows = read_clean(adult)
    assert rows["split"].value_counts().to_dict() == {"train": 700, "test": 300}
    assert set(rows["income"]) == {"<=50K", ">50K"}
    assert 0 < rows["workclass"].isna().sum() < 200
    assert not rows["age"].isna().any()


def test_what_is_sampled_or_skipped_says_so_on_board_and_run(done, adult):
    found = {row.name: row for row in done.swept.rows}
    assert not any(row.failed for row in done.swept.rows)
    assert found["decision_tree-1"].sampled == 150
    assert found["knn-1"].skipped == "700 training rows, and max_rows is 100"
    assert done.swept.rows[-1].name == "knn-1"
    run = adult.tracking.run(found["knn-1"].run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["rookery.skipped"] == found["knn-1"].skipped
    assert run.data.metrics == {}


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "logistic_regression"])
def test_the_api_answers_as_the_pipeline_does_at_its_threshold(done, adult, family):
    for library in {"lightgbm", "xgboost"} & {family}:
        pytest.importorskip(library, reason=f"the extra {library} is not installed")
    row = next(row for row in done.swept.rows if row.family == family)
    rk.promote("adult", run=row.run_id)
    model = load_production(adult.tracking, "adult")
    rows = read_clean(adult).loc[lambda found: found["split"] == "test", adult.task.inputs]
    with serving(get_settings()) as api:
        # a restart answers with what was served last until it has looked
        eventually(lambda: api.version() == model.description.version)
        assert api.client.get("/model").json()["path"] == "estimator"
        records = rows.astype(object).where(rows.notna(), None).to_dict("records")
        answered = api.client.post("/predict/batch", json=records).json()["predictions"]
    assert [one["prediction"] for one in answered] == model.pipeline.predict(rows).tolist()
    chances = pd.Series([one["probabilities"][">50K"] for one in answered])
    run = adult.tracking.run(row.run_id)
    threshold = float(run.data.params["threshold"])
    assert threshold != 0.5
    expected = chances.ge(threshold).map({True: ">50K", False: "<=50K"}).tolist()
    assert [one["prediction"] for one in answered] == expected
    if family != "logistic_regression":
        assert any(name.startswith(family) for name in model.description.lineage.libraries)
    else:
        assert "lightgbm" not in model.description.lineage.libraries


@pytest.mark.skipif(not COPIES, reason="ROOKERY_TEST_DATA names no folder with the real files")
def test_the_real_files_give_48842_rows_of_which_52_repeat_others(tmp_path, monkeypatch):
    point_at(monkeypatch, tmp_path)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "adult.yaml").write_bytes((TASKS / "adult.yaml").read_bytes())
    monkeypatch.setenv("SOURCE_FILES", str(Path(str(COPIES)).absolute()))
    get_settings.cache_clear()
    assert rk.ingest("adult").rows == 48842
    raw = open_project("adult").tables.read("adult_raw")
    assert (raw.map(str.strip, na_action="ignore") == "?").to_numpy().sum() == 6465
    cleaned = rk.clean("adult")
    assert (cleaned.clean, cleaned.rejected, cleaned.duplicates) == (48790, 0, 52)
    rows = read_clean(open_project("adult"))
    assert rows["split"].value_counts().to_dict() == {"train": 32537, "test": 16253}
