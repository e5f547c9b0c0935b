"""A converted model comes back as it was, imports nothing, and a damaged one is refused."""

import copy
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from rookery.core.records import RecordField
from rookery.serving.predictor import artifact
from rookery.serving.predictor.choosing import compile_predictor

X, Y = make_classification(
    200, 4, n_informative=4, n_redundant=0, n_classes=3, n_clusters_per_class=1, random_state=0
)
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(e=np.where(X[:, 0] > 0, "p", "q"))
FIELDS = (*(RecordField(name, "float") for name in "abcd"), RecordField("e", "text"))
ROWS = [tuple(row) for row in FRAME.to_numpy().tolist()]


def compiled(estimator):

    words = OneHotEncoder(handle_unknown="ignore")
    encode = ColumnTransformer([("n", StandardScaler(), list("abcd")), ("w", words, ["e"])])
    return compile_predictor(make_pipeline(encode, estimator).fit(FRAME, Y), FIELDS)


@pytest.fixture(scope="module")
def forest():
    return compiled(RandomForestClassifier(n_estimators=4, random_state=0))


@pytest.fixture(scope="module")
def linear():
    return compiled(LogisticRegression())


@pytest.mark.parametrize("name", ["forest", "linear"])
def test_what_is_written_is_read_back_and_answers_the_same(name, request, tmp_path):
    predictor = request.getfixturevalue(name)
    for _ in range(2):  # the second replaces the first
        assert artifact.write(tmp_path / "digest", predictor)
    assert [path.name for path in tmp_path.iterdir()] == ["digest"]
    found = artifact.read(tmp_path / "digest")
    assert found.predict(ROWS) == predictor.predict(ROWS)
    assert (found.path, found.why, found.classes) == (predictor.path, "", (0, 1, 2))


def test_what_needs_its_estimator_is_not_written(tmp_path):
    predictor = compiled(KNeighborsClassifier())
    assert not artifact.write(tmp_path / "digest", predictor)
    assert list(tmp_path.iterdir()) == []


ANSWER = """
import json, sys
from pathlib import Path
from rookery.serving.predictor import artifact
predictor = artifact.read(Path(sys.argv[1]))
outcome = predictor.predict([tuple(row) for row in json.loads(sys.stdin.read())])
heavy = [n for n in ("sklearn", "pandas", "scipy", "mlflow", "sqlalchemy") if n in sys.modules]
print(json.dumps([outcome.labels, outcome.scores, heavy]))
"""


@pytest.mark.parametrize("name", ["forest", "linear"])
def test_a_converted_model_answers_without_what_it_was_trained_with(name, request, tmp_path):
    predictor = request.getfixturevalue(name)
    artifact.write(tmp_path / "digest", predictor)
    command = [sys.executable, "-c", ANSWER, str(tmp_path / "digest")]
    done = subprocess.run(command, input=json.dumps(ROWS), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    labels, scores, heavy = json.loads(done.stdout)
    assert heavy == []
    assert labels == predictor.predict(ROWS).labels
    np.testing.assert_allclose(scores, predictor.predict(ROWS).scores, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", [artifact.ARRAYS, artifact.DOCUMENT])
def test_a_file_that_was_cut_or_changed_is_refused(name, forest, tmp_path):
    artifact.write(tmp_path / "digest", forest)
    path = tmp_path / "digest" / name
    whole = path.read_bytes()
    for wrong in (
        b"",
        whole[: len(whole) // 2],
        whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
    ):
        path.write_bytes(wrong)
        with pytest.raises(ValueError):  # noqa: PT011  JSON, zip and our own words
            artifact.read(tmp_path / "digest")


def test_a_folder_that_is_not_there_is_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        artifact.read(tmp_path / "none")


DAMAGES = {
    "another format": lambda d, _: d.update(format=2),
    "no such path": lambda d, _: d.update(path="pickle"),
    "no such link": lambda d, _: d.update(link="eval"),
    "a link of regressors": lambda d, _: d.update(link="identity"),
    "no classes": lambda d, _: d.update(classes=[]),
    "classes that are no labels": lambda d, _: d.update(classes=[[], {}]),
    "one class more": lambda d, _: d["classes"].append("x"),
    "no plan": lambda d, _: d.pop("plan"),
    "a step that is not known": lambda d, _: d["plan"]["output"][0].update(steps=["exec", "exec"]),
    "a field too far": lambda d, _: d["plan"].update(numbers=[0, 1, 2, 9]),
    "a column too far": lambda d, _: d["plan"]["output"][0].update(sources=[0, 1, 2, 4]),
    "a code too far": lambda d, _: d["plan"]["output"][1].update(unknown=3),
    "a code below": lambda d, _: d["plan"]["output"][1].update(missing=-2),
    "a table of objects": lambda _, a: a.update({"table.0": a["table.0"].astype(object)}),
    "a table too narrow": lambda _, a: a.update({"table.0": a["table.0"][:, :1]}),
    "no parameters": lambda _, a: a.pop("parameters"),
    "integers for parameters": lambda _, a: a.update(parameters=np.array([1])),
    "no values": lambda _, a: a.pop("model.values"),
    "an array too many": lambda _, a: a.update({"model.more": np.zeros(1)}),
    "fewer values": lambda _, a: a.update({"model.values": a["model.values"][1:]}),
    "features of another kind": lambda _, a: a.update(
        {"model.feature": a["model.feature"].astype(np.int32)}
    ),
    "one feature more": lambda d, _: d["options"].update(features=7),
    "features as text": lambda d, _: d["options"].update(features="six"),
    "turns that do not divide": lambda d, _: d["options"].update(columns=3),
    "no options": lambda d, _: d.update(options={}),
    "a loop": lambda _, a: a["model.left"].__setitem__(0, 0),
    "a way back": lambda _, a: a["model.right"].__setitem__(2, 1),
    "a child outside": lambda _, a: a["model.right"].__setitem__(0, 10**9),
    "a child below nothing": lambda _, a: a["model.left"].__setitem__(0, -1),
    "a shared child": lambda _, a: a["model.left"].__setitem__(0, a["model.right"][0]),
    "a feature outside": lambda _, a: a["model.feature"].__setitem__(0, 6),
    "a threshold that is no number": lambda _, a: a["model.threshold"].__setitem__(0, np.nan),
    "roots elsewhere": lambda _, a: a["model.roots"].__setitem__(1, a["model.roots"][1] + 1),
    "no trees": lambda _, a: a.update({"model.roots": a["model.roots"][:0]}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_no_dump_gives_is_refused_before_it_is_used(damage, forest):
    document, arrays = copy.deepcopy(artifact.dump(forest))
    assert artifact.load(document, arrays).predict(ROWS) == forest.predict(ROWS)
    damage(document, arrays)
    with pytest.raises(ValueError):  # noqa: PT011  each is told in its own words
        artifact.load(document, arrays)


def test_any_random_change_of_an_array_is_refused_or_still_answers(forest):
    draw = np.random.default_rng(0)
    document, arrays = artifact.dump(forest)
    names = [name for name in arrays if arrays[name].dtype == np.int64]
    for _ in range(300):
        changed = copy.deepcopy(arrays)
        array = changed[names[draw.integers(len(names))]]
        array[draw.integers(len(array))] = draw.integers(-3, 200)
        try:
            found = artifact.load(document, changed)
        except ValueError:
            continue
        assert len(found.predict(ROWS).labels) == len(ROWS)
