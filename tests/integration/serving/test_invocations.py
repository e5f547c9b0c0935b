"""MLflow's scoring protocol over HTTP, with MLflow's own client and with recorded requests."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from tests.conftest import point_at
from tests.integration.serving.conftest import JSON
from tests.unit.serving.protocols.models import hostile
from tests.unit.serving.protocols.test_invocations import RECORDED, STRICTER, VALUES

from rookery.jobs.project import open_project
from rookery.stores.versions import load_production

CSV = {"Content-Type": "text/csv"}
TWO_FLATS = {
    "area_m2": [80.5, 40.0],
    "rooms": [3, np.nan],
    "balcony": [True, None],
    "built": pd.to_datetime(["1987-06-01", None]),
    "district": ["Süd", "Nord"],
    "remark": ["near the lake", np.nan],
}


@pytest.fixture(scope="module")
def client(api: httpx.Client) -> ScoringServerClient:
    return ScoringServerClient(api.base_url.host, api.base_url.port)


@pytest.fixture(scope="module")
def penguins(two_models: Path) -> tuple[pd.DataFrame, list[str]]:
    """Every clean row, and what the pipeline says to it."""
    with pytest.MonkeyPatch.context() as patch:
        point_at(patch, two_models)
        project = open_project("penguins")
        model = load_production(project.tracking, "penguins")
        clean = project.tables.read("penguins_clean")
    rows = clean[[field.name for field in model.description.fields]]
    return rows, list(model.pipeline.predict(rows))


def asked(rows: pd.DataFrame, form: str) -> bytes:
    forms: dict[str, Any] = {
        "dataframe_split": rows.to_dict("split"),
        "dataframe_records": rows.to_dict("records"),
        "instances": rows.to_dict("records"),
        "inputs": rows.to_dict("list"),
    }
    return json.dumps({form: forms[form]}).encode()


def test_mlflows_client_gets_the_answer_of_the_pipeline_for_every_clean_row(
    client: ScoringServerClient, penguins: tuple[pd.DataFrame, list[str]]
) -> None:
    rows, labels = penguins
    found = client.invoke(rows).get_predictions()
    assert found[0].tolist() == labels
    assert len(labels) == 333


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_every_form_of_json_has_the_same_answers(
    api: httpx.Client, penguins: tuple[pd.DataFrame, list[str]], form: str
) -> None:
    rows, labels = penguins
    answer = api.post("/invocations", content=asked(rows, form), headers=JSON)
    assert answer.json() == {"predictions": labels}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("index", [False, True])
def test_a_csv_has_the_same_answers(
    api: httpx.Client, penguins: tuple[pd.DataFrame, list[str]], index: bool
) -> None:
    rows, labels = penguins
    answer = api.post("/invocations", content=rows.to_csv(index=index), headers=CSV)
    assert answer.json() == {"predictions": labels}


def test_a_frame_with_gaps_is_what_a_record_without_the_values_is(
    api: httpx.Client, client: ScoringServerClient
) -> None:
    frame = pd.DataFrame(TWO_FLATS)
    flats = ScoringServerClient("", 0)
    flats.url_prefix = f"{client.url_prefix}/models/flats"
    whole = {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01"}
    records = [whole | {"district": "Süd"}, {"area_m2": 40, "district": "Nord"}]
    answers = api.post("/models/flats/predict/batch", json=records).json()["predictions"]
    prices = [answer["prediction"] for answer in answers]
    assert flats.invoke(frame).get_predictions()[0].tolist() == prices
    csv = api.post("/models/flats/invocations", content=frame.to_csv(index=False), headers=CSV)
    assert csv.json() == {"predictions": prices}


@pytest.mark.parametrize(
    "found",
    [pytest.param(found, id=found["form"]) for found in RECORDED["penguins"] if found.get("form")],
)
def test_a_recorded_request_is_answered_as_mlflow_did(api: httpx.Client, found: Any) -> None:
    request, told = found["request"], found["answer"]
    headers = {"Content-Type": request["content_type"]}
    answer = api.post("/invocations", content=request["body"].encode(), headers=headers)
    if told["status"] != 200:
        assert answer.status_code in (400, 422)
        assert {"error_code", "message"} <= set(answer.json())
        assert answer.headers["content-type"] == "application/problem+json"
    elif found["form"] not in VALUES | STRICTER:
        assert answer.json() == json.loads(told["body"])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"rooms": 3.0}, 200),
        ({"rooms": None, "balcony": None, "built": None}, 200),
        ({"built": "1987-06-01T12:00:00+02:00"}, 200),
        ({"area_m2": 80}, 200),
        ({"remark": "near the lake"}, 200),
        ({"rooms": 3.5}, 422),
        ({"rooms": "3"}, 422),
        ({"balcony": 1}, 422),
        ({"built": 19870601}, 422),
        ({"built": "June"}, 422),
        ({"district": "Sud"}, 422),
        ({"district": None}, 422),
        ({"price_eur": 1.0}, 422),
        ({"garden": True}, 422),
    ],
)
def test_each_type_behaves_as_in_predict(
    api: httpx.Client, flat: dict[str, Any], changes: dict[str, Any], status: int
) -> None:
    record = flat | changes
    plain = api.post("/models/flats/predict", json=record)
    assert plain.status_code == status
    for count in (1, 20):  # few and many rows are checked in different ways
        columns = {name: [value] * count for name, value in record.items()}
        for sent in ({"dataframe_records": [record] * count}, {"inputs": columns}):
            answer = api.post("/models/flats/invocations", json=sent)
            assert answer.status_code == status
            if status == 200:
                assert answer.json() == {"predictions": [plain.json()["prediction"]] * count}


def test_a_fault_names_its_row_and_field_in_words_that_the_clients_user_sees(
    api: httpx.Client, client: ScoringServerClient, penguin: dict[str, Any]
) -> None:
    rows = pd.DataFrame([penguin, penguin | {"sex": "no"}])
    answer = api.post("/invocations", content=asked(rows, "dataframe_split"), headers=JSON)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["1.sex"]
    assert answer.json()["error_code"] == "BAD_REQUEST"
    with pytest.raises(Exception, match=r"1\.sex: 'no' is not allowed"):
        client.invoke(rows)


def test_too_many_rows_and_another_content_type_are_refused(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    many = api.post("/invocations", json={"dataframe_records": [penguin] * 401})
    assert (many.status_code, many.json()["error_code"]) == (413, "BAD_REQUEST")
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    assert api.post("/invocations", content=b"PAR1", headers=headers).status_code == 415


def test_mlflows_client_finds_the_server_ready_and_its_version(client: ScoringServerClient) -> None:
    client.wait_server_ready(timeout=30)
    assert client.get_version() == RECORDED["mlflow"]


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_hostile_bodies_never_break_the_server(
    api: httpx.Client, penguin: dict[str, Any], kind: str
) -> None:
    draw = random.Random(7)
    requests = [found["request"] for found in RECORDED["penguins"] if found.get("form")]
    valid = [sent["body"].encode() for sent in requests if sent["content_type"] == kind]
    for _ in range(100):
        body = hostile(valid, draw)
        answer = api.post("/invocations", content=body, headers={"Content-Type": kind})
        assert answer.status_code in (200, 400, 413, 422), body
    assert api.post("/predict", json=penguin).status_code == 200
