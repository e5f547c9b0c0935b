"""The Open Inference Protocol over HTTP, with Triton's own client."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
from tests.conftest import point_at
from tests.unit.serving.protocols.models import hostile
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from rookery.jobs.project import open_project
from rookery.stores.versions import load_production

LENGTH = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def client(api: httpx.Client) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"{api.base_url.host}:{api.base_url.port}") as found:
        yield found


def tensors(columns: dict[str, Any], *, binary: bool = True) -> list[triton.InferInput]:
    """One input a column."""
    made = []
    for name, values in columns.items():
        array = np.asarray(values)
        array = array.astype(object) if array.dtype.kind in "OU" else array
        tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        made.append(tensor.set_data_from_numpy(array, binary_data=binary))
    return made


def outputs(*names: str, binary: bool) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in names]


def texts(found: triton.InferResult, name: str) -> list[str]:
    """BYTES come as bytes in binary, as text in JSON."""
    return [x.decode() if isinstance(x, bytes) else x for x in found.as_numpy(name).tolist()]


@pytest.mark.parametrize("binary", [True, False])
def test_every_clean_row_gets_the_answer_of_the_pipeline(
    client: triton.InferenceServerClient,
    two_models: Path,
    monkeypatch: pytest.MonkeyPatch,
    binary: bool,
) -> None:
    point_at(monkeypatch, two_models)
    project = open_project("penguins")
    model = load_production(project.tracking, "penguins")
    rows = project.tables.read("penguins_clean")[[field.name for field in model.description.fields]]

    asked = tensors({name: rows[name].to_numpy() for name in rows}, binary=binary)
    wanted = outputs("predict", "predict_proba", binary=binary)
    found = client.infer("penguins", asked, outputs=wanted, request_id="7")

    assert texts(found, "predict") == list(model.pipeline.predict(rows))
    scores = found.as_numpy("predict_proba")
    assert scores.shape == (333, 3)
    np.testing.assert_allclose(scores, model.pipeline.predict_proba(rows), rtol=1e-12)
    assert found.get_response()["id"] == "7"
    assert found.get_response()["model_version"] == "1"


@pytest.mark.parametrize("binary", [True, False])
def test_a_regressor_takes_every_type_and_gaps(
    api: httpx.Client, client: triton.InferenceServerClient, binary: bool
) -> None:
    asked = {
        "area_m2": [80.5, 40.0],
        "rooms": [3.0, np.nan],
        "balcony": ["true", "None"],
        "built": ["1987-06-01", "NaT"],
        "district": ["Süd", "Nord"],
    }
    found = client.infer("flats", tensors(asked, binary=binary), model_version="1")
    whole = {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01"}
    records = [whole | {"district": "Süd"}, {"area_m2": 40, "district": "Nord"}]
    answers = api.post("/models/flats/predict/batch", json=records).json()["predictions"]
    assert found.as_numpy("predict").tolist() == [answer["prediction"] for answer in answers]
    assert found.as_numpy("predict").dtype == np.float64
    assert found.as_numpy("predict_proba") is None


def test_only_what_was_asked_for_is_answered(
    client: triton.InferenceServerClient, penguin: dict[str, Any]
) -> None:
    asked = tensors({name: [value] for name, value in penguin.items()})
    wanted = [*outputs("predict_proba", binary=False), *outputs("prediction_id", binary=True)]
    found = client.infer("penguins", asked, outputs=wanted)
    names = [output["name"] for output in found.get_response()["outputs"]]
    assert names == ["predict_proba", "prediction_id"]
    assert len(texts(found, "prediction_id")[0]) == 36


def test_an_answer_has_ids_of_its_own(
    client: triton.InferenceServerClient, penguin: dict[str, Any]
) -> None:
    asked = tensors({name: [value] * 30 for name, value in penguin.items()})
    found = client.infer("penguins", asked, outputs=outputs("prediction_id", binary=True))
    assert len(set(texts(found, "prediction_id"))) == 30


def test_the_client_finds_server_and_models_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("penguins")
    assert client.is_model_ready("flats", "1")
    assert not client.is_model_ready("flats", "2")
    assert not client.is_model_ready("houses")


def test_metadata_describes_the_tensors(client: triton.InferenceServerClient) -> None:
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    found = client.get_model_metadata("penguins", "1")
    assert found["versions"] == ["1"]
    assert found["inputs"][0] == {"name": "island", "datatype": "BYTES", "shape": [-1]}
    assert found["outputs"][1]["parameters"] == {"classes": ["Adelie", "Chinstrap", "Gentoo"]}
    flats = client.get_model_metadata("flats")
    kinds = {tensor["name"]: tensor["datatype"] for tensor in flats["inputs"]}
    assert kinds == {
        "area_m2": "FP64", "rooms": "INT64", "balcony": "BOOL", "built": "BYTES",
        "district": "BYTES",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "version", "said"),
    [("houses", "", "houses"), ("penguins", "2", "version 2 of penguins is not loaded")],
)
def test_what_is_not_loaded_is_404(
    client: triton.InferenceServerClient,
    penguin: dict[str, Any],
    model: str,
    version: str,
    said: str,
) -> None:
    asked = tensors({name: [value] for name, value in penguin.items()})
    with pytest.raises(InferenceServerException, match=said) as error:
        client.infer(model, asked, model_version=version)
    assert error.value.status() == "404"
    with pytest.raises(InferenceServerException, match=f"^[^{{]*{said}") as error:
        client.get_model_metadata(model, version)
    assert error.value.status() == "404"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sex": ["male", "no"]}, r"^1\.sex: 'no' is not allowed; allowed: one of female, male"),
        ({"sex": ["male", ""]}, r"^1\.sex"),
        ({"island": [1, 2]}, r"^0\.island"),
        ({"body_mass_g": [3750.0, np.nan]}, r"^1\.body_mass_g"),
        ({"body_mass_g": ["3750", "heavy"]}, r"^1\.body_mass_g: 'heavy'"),
        ({"body_mass_g": [True, False]}, r"^0\.body_mass_g"),
        ({"wingspan_mm": [700, 800]}, r"^0\.wingspan_mm is not a field"),
        ({"species": ["Adelie", "Adelie"]}, r"^0\.species is what penguins predicts"),
        ({"sex": ["male"]}, r"^sex has the shape \[1\]"),
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_a_fault_names_its_row_and_field(
    client: triton.InferenceServerClient,
    penguin: dict[str, Any],
    changes: dict[str, Any],
    said: str,
    binary: bool,
) -> None:
    columns = {name: [value] * 2 for name, value in penguin.items()} | changes
    with pytest.raises(InferenceServerException) as error:
        client.infer("penguins", tensors(columns, binary=binary))
    assert error.value.status() == "422"
    assert pd.Series([error.value.message()]).str.contains(said).all(), error.value.message()


def test_hostile_bodies_never_break_the_server(api: httpx.Client, penguin: dict[str, Any]) -> None:
    draw = random.Random(7)
    asked = tensors({name: [value] * 2 for name, value in penguin.items()})
    body, length = triton.InferenceServerClient.generate_request_body(asked)
    for _ in range(100):
        changed = body[:length] + hostile([body[length:]], draw)
        sent = draw.choice([changed, hostile([body], draw)])
        headers = {LENGTH: str(draw.choice([length, length, draw.randint(0, 2 * len(body))]))}
        answer = api.post("/v2/models/penguins/infer", content=sent, headers=headers)
        assert answer.status_code in (200, 400, 413, 422), sent
        assert answer.status_code == 200 or answer.json()["error"]
    assert api.post("/predict", json=penguin).status_code == 200
