"""Model folders: what is written can be read, and what is not ours is not unpacked."""

import json
import zipfile
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from rookery.core.candidates import Candidate
from rookery.errors import InputError, Refused
from rookery.stores.folders import load_trusted, load_untrusted, read_folder, require_inputs
from rookery.stores.models import task_signature, write_model

X = pd.DataFrame(
    {
        "price": [1.0, 2.0, 3.0, 4.0],
        "colour": ["red", "red", "50% blue", "red"],
        "when": pd.to_datetime(["2020-01-01"] * 4),
    }
)
y = pd.Series([True, False, True, False])


@pytest.fixture(scope="module")
def written(shop, tmp_path_factory) -> Path:
    """A model folder as a sweep writes it."""
    folder = tmp_path_factory.mktemp("model") / "model"
    tree = Candidate("tree", DecisionTreeClassifier(random_state=0))
    pipeline = tree.pipeline(shop).fit(X[shop.inputs], y)
    write_model(
        folder,
        pipeline,
        signature=task_signature(shop),
        example=X[shop.inputs].head(3),
        task_text=json.dumps(shop.model_dump(mode="json", by_alias=True, exclude_unset=True)),
        run_id="r",
        model_id="m-1",
        location="here",
    )
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    for path in written.rglob("*"):
        target = tmp_path / "model" / path.relative_to(written)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    return tmp_path / "model"


def test_a_folder_says_what_the_model_takes_and_what_it_was_made_with(written, shop):
    found = read_folder(written)
    assert found.inputs == (("price", "float", False), ("colour", "text", False))
    assert found.example == {"price": 1.0, "colour": "red"}
    assert found.task == shop
    assert found.format == "skops"
    assert set(found.libraries) >= {"mlflow", "scikit-learn", "numpy", "pandas", "skops"}
    assert found.libraries["scikit-learn"].startswith("1.")


def test_what_is_read_answers_as_what_was_written(written, shop):
    read = load_trusted(read_folder(written))
    plain = mlflow.sklearn.load_model(str(written))
    np.testing.assert_array_equal(
        read.predict_proba(X[shop.inputs]), plain.predict_proba(X[shop.inputs])
    )


def test_the_model_file_is_deflated(written):
    with zipfile.ZipFile(written / "model.skops") as archive:
        assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_DEFLATED}


def test_a_type_that_is_not_on_our_list_is_named_and_not_stored(shop, tmp_path):
    transformer = FunctionTransformer(np.load)
    with pytest.raises(Refused, match=r"numpy\.load") as caught:
        write_model(
            tmp_path / "model",
            transformer.fit(X),
            signature=task_signature(shop),
            example=X.head(1),
            task_text="",
            run_id="r",
            model_id="m",
            location="here",
        )
    assert "trusted_types.txt" in caught.value.next


def test_the_list_that_lies_beside_a_model_is_not_believed(folder):
    skops.io.dump(FunctionTransformer(np.load), folder / "model.skops")
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    described["flavors"]["sklearn"]["skops_trusted_types"] = ["numpy.load"]
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    with pytest.raises(Refused, match=r"numpy\.load"):
        load_trusted(read_folder(folder))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_broken_model_file_is_refused(folder, content):
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        load_trusted(read_folder(folder))


@pytest.mark.parametrize("name", ["../elsewhere.skops", "/etc/hostname"])
def test_a_model_file_outside_the_folder_is_refused(folder, name):
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    described["flavors"]["sklearn"]["pickled_model"] = name
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    with pytest.raises(Refused, match="outside its folder"):
        load_trusted(read_folder(folder))


def spoil(folder: Path, change) -> None:
    """Changes what the MLmodel file says."""
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    change(described)
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")


@pytest.mark.parametrize("absolute", [True, False])
def test_an_input_example_outside_the_folder_is_refused(folder, absolute):
    outside = folder.parent / "outside.json"
    outside.write_text('{"columns": ["a"], "data": [["hunter2"]]}', encoding="utf-8")
    name = str(outside) if absolute else "../outside.json"
    spoil(folder, lambda it: it["saved_input_example_info"].update(artifact_path=name))
    with pytest.raises(Refused, match="outside its folder"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["MLmodel", "task.yaml", "requirements.txt", "model.skops"])
def test_a_link_out_of_the_folder_is_not_followed(folder, name):
    outside = folder.parent / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(Refused, match="outside its folder"):
        load_trusted(read_folder(folder))


@pytest.mark.parametrize("given", [None, "gone.skops", "."])
def test_a_model_file_that_is_not_there_is_refused(folder, given):
    def change(described):
        flavor = described["flavors"]["sklearn"]
        flavor.pop("pickled_model")
        flavor.update({"pickled_model": given} if given else {})

    spoil(folder, change)
    with pytest.raises(Refused):
        load_trusted(read_folder(folder))


def test_an_example_of_another_shape_is_refused(folder):
    text = '{"columns": ["a", "b"], "data": [[1]]}'
    (folder / "input_example.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="cannot be read"):
        read_folder(folder)


def test_a_pickled_model_is_never_unpacked_on_the_trusted_path(tmp_path):
    marker = tmp_path / "ran"
    model = LogisticRegression().fit(X[["price"]], y)
    mlflow.sklearn.save_model(
        model, str(tmp_path / "model"), serialization_format="cloudpickle", pip_requirements=[]
    )
    code = f"import pathlib; pathlib.Path({str(marker)!r}).touch()"
    (tmp_path / "model" / "model.pkl").write_bytes(
        b"cbuiltins\nexec\n(V" + code.encode() + b"\ntR."
    )
    with pytest.raises(Refused, match="can run code"):
        load_trusted(read_folder(tmp_path / "model"))
    assert not marker.exists()
    load_untrusted(read_folder(tmp_path / "model"))
    assert marker.exists()  # so the file would have run


def test_a_folder_without_a_readable_description_is_refused(folder):
    (folder / "MLmodel").write_text("flavors: [", encoding="utf-8")
    with pytest.raises(Refused, match="no readable MLmodel"):
        read_folder(folder)


def test_a_model_of_another_library_is_refused_by_its_name(folder):
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    described["flavors"] = {"xgboost": {}}
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    with pytest.raises(Refused, match="xgboost"):
        read_folder(folder)


@pytest.mark.parametrize("damage", ["task.yaml", "input_example.json"])
def test_a_damaged_part_of_a_folder_is_one_of_our_errors(folder, damage):
    (folder / damage).write_text("{", encoding="utf-8")
    with pytest.raises((Refused, InputError)):
        read_folder(folder)


def test_columns_are_those_of_the_signature_or_of_the_fit(tmp_path):
    fitted = {"frame": X[["price"]], "array": X[["price"]].to_numpy()}
    for name, data in fitted.items():
        mlflow.sklearn.save_model(
            LogisticRegression().fit(data, y), str(tmp_path / name), pip_requirements=[]
        )
    folder = read_folder(tmp_path / "frame")
    assert require_inputs(folder, load_trusted(folder)) == (("price", "float", True),)
    folder = read_folder(tmp_path / "array")
    with pytest.raises(InputError, match="which columns") as caught:
        require_inputs(folder, load_trusted(folder))
    assert "input_example" in caught.value.next
