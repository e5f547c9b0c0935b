"""Predictions over HTTP."""

import json
from pathlib import Path
from typing import Any

import httpx
import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor
from tests.conftest import point_at
from tests.integration.serving.conftest import JSON, Served, serving

from rookery.jobs.project import open_project
from rookery.settings import get_settings
from rookery.stores.versions import load_production

Record = dict[str, Any]


def test_every_clean_row_gets_the_answer_of_the_pipeline(
    api: httpx.Client, two_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, two_models)
    project = open_project("penguins")
    model = load_production(project.tracking, "penguins")
    rows = project.tables.read("penguins_clean")[[field.name for field in model.description.fields]]
    labels = model.pipeline.predict(rows)
    shares = model.pipeline.predict_proba(rows)

    answer = api.post("/predict/batch", json=rows.to_dict("records"))

    predictions = answer.json()["predictions"]
    assert len(predictions) == 333
    assert [found["prediction"] for found in predictions] == list(labels)
    served = [list(found["probabilities"].values()) for found in predictions]
    np.testing.assert_allclose(served, shares, rtol=1e-12)
    for number in range(0, 333, 29):
        alone = api.post("/predict", json=rows.iloc[number].to_dict()).json()
        assert alone["probabilities"] == predictions[number]["probabilities"]
    assert list(predictions[0]["probabilities"]) == ["Adelie", "Chinstrap", "Gentoo"]
    assert len({found["id"] for found in predictions}) == 333


def test_one_record_is_answered_with_model_version_and_id(
    api: httpx.Client, penguin: Record
) -> None:
    answer = api.post("/predict", json=penguin).json()
    assert answer["prediction"] == "Adelie"
    assert (answer["model"], answer["version"]) == ("penguins", "1")
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["id"] != api.post("/predict", json=penguin).json()["id"]


def test_a_regressor_answers_a_number_without_probabilities(
    api: httpx.Client, flat: Record
) -> None:
    answer = api.post("/models/flats/predict", json=flat).json()
    assert answer["prediction"] == pytest.approx(80.5 * 3000 + 30_000, rel=0.1)
    assert set(answer) == {"prediction", "model", "version", "id"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"body_mass_g": 3750}, id="an integer for a float"),
        pytest.param({"year": 2007}, id="a raw column that the model does not use"),
        pytest.param({"year": None}, id="such a column, empty"),
        pytest.param({"year": "whenever"}, id="such a column, with anything in it"),
        pytest.param({"year": 10**400}, id="such a column, with a very large number"),
    ],
)
def test_these_penguins_are_answered(api: httpx.Client, penguin: Record, changes: Record) -> None:
    assert api.post("/predict", json=penguin | changes).json()["prediction"] == "Adelie"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"sex": None}, "sex", "one of female, male"),
        ({"sex": "FEMALE"}, "sex", "one of female, male"),
        ({"island": 3}, "island", "one of Biscoe, Dream, Torgersen"),
        ({"body_mass_g": "3750"}, "body_mass_g", "a number from 1500 to 9000 g"),
        ({"body_mass_g": True}, "body_mass_g", "a number from 1500 to 9000 g"),
        ({"body_mass_g": [3750]}, "body_mass_g", "a number from 1500 to 9000 g"),
        ({"body_mass_g": 9000.01}, "body_mass_g", "a number from 1500 to 9000 g"),
        ({"body_mass_g": 10**400}, "body_mass_g", "a number from 1500 to 9000 g"),
        ({"wingspan_mm": 700}, "wingspan_mm", "the fields island, "),
        ({"species": "Adelie"}, "species", "leave it out"),
        ({"x" * 5000: 1}, "x" * 100, "the fields island, "),
    ],
)
def test_these_penguins_are_refused_by_field(
    api: httpx.Client, penguin: Record, changes: Record, field: str, said: str
) -> None:
    answer = api.post("/predict", json=penguin | changes)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert error["allowed"].startswith(said)
    assert len(answer.content) < 4000


def test_a_record_of_very_many_columns_is_refused_as_one(
    api: httpx.Client, penguin: Record
) -> None:
    answer = api.post("/predict", json=penguin | {f"x{number}": 1 for number in range(10_000)})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["value"] == 10_006


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["body_mass_g", "year"])
def test_a_number_that_is_not_finite_is_refused_by_field(
    api: httpx.Client, penguin: Record, field: str, token: str
) -> None:
    body = json.dumps(penguin | {field: 1}).replace(f'"{field}": 1', f'"{field}": {token}')
    answer = api.post("/predict", content=body, headers=JSON)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_everything_wrong_is_said_at_once(api: httpx.Client, penguin: Record) -> None:
    del penguin["sex"]
    answer = api.post("/predict", json=penguin | {"island": "Elba", "bill_depth_mm": -1})
    assert {error["field"] for error in answer.json()["errors"]} == {
        "sex", "island", "bill_depth_mm",
    }  # fmt: skip
    assert answer.json()["detail"].endswith("(and 2 more)")


def test_a_fault_in_a_batch_names_its_row_and_nothing_is_answered(
    api: httpx.Client, penguin: Record
) -> None:
    answer = api.post("/predict/batch", json=[penguin, penguin | {"sex": "no"}, 5])
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["1.sex", "2.record"]


def test_ten_thousand_faults_are_not_all_told(api: httpx.Client) -> None:
    answer = api.post("/predict/batch", json=[{}] * 400)
    assert len(answer.json()["errors"]) == 100
    # the first 50 records were enough
    assert answer.json()["detail"].endswith(f"(and at least {50 * 6 - 1} more)")


def test_a_fault_in_the_last_of_many_records_is_told_with_its_row(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    records = [penguin] * 399 + [penguin | {"sex": "maybe"}]
    answer = api.post("/predict/batch", json=records)
    assert [error["field"] for error in answer.json()["errors"]] == ["399.sex"]
    assert "more" not in answer.json()["detail"]


def test_faults_in_different_parts_of_a_request_are_told_together(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    wrong = penguin | {"sex": "maybe"}
    answer = api.post("/predict/batch", json=[wrong, *[penguin] * 200, wrong])
    assert [error["field"] for error in answer.json()["errors"]] == ["0.sex", "201.sex"]
    assert answer.json()["detail"].endswith("(and 1 more)")


def test_records_that_are_all_too_wide_are_not_all_told(api: httpx.Client) -> None:
    answer = api.post("/predict/batch", json=[{f"k{key}": 1 for key in range(40)}] * 200)
    assert len(answer.json()["errors"]) == 100
    assert answer.json()["detail"].endswith("(and at least 99 more)")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"rooms": 3.0}, 200),
        ({"rooms": None, "balcony": None, "built": None}, 200),
        ({"built": "1987-06-01T12:00:00+02:00"}, 200),
        ({"remark": "near the lake"}, 200),
        ({"rooms": 3.5}, 422),
        ({"rooms": "3"}, 422),
        ({"balcony": 1}, 422),
        ({"built": 19870601}, 422),
        ({"built": "June"}, 422),
        ({"built": "0001-01-01T00:00:00+14:00"}, 422),
        ({"district": "Sud"}, 422),
        ({"price_eur": 1.0}, 422),
    ],
)
def test_each_type_has_one_behaviour(
    api: httpx.Client, flat: Record, changes: Record, status: int
) -> None:
    assert api.post("/models/flats/predict", json=flat | changes).status_code == status


def test_columns_that_are_not_required_may_be_left_out(api: httpx.Client) -> None:
    given = {"area_m2": 80, "district": "Nord"}
    assert api.post("/models/flats/predict", json=given).status_code == 200


@pytest.fixture(scope="module")
def lenient(served: Served) -> Any:
    settings = served.settings.model_copy(update={"api_strict": False})
    with serving(settings) as running:
        yield running.client


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"area_m2": "80.5", "rooms": "3", "balcony": "true"}, 200),
        ({"rooms": "3.5"}, 422),
        ({"area_m2": "eighty"}, 422),
        ({"area_m2": "NaN"}, 422),
        ({"area_m2": "1e999"}, 422),
        ({"floor": 3}, 422),
    ],
)
def test_lenient_reads_numbers_from_text_and_nothing_more(
    lenient: httpx.Client, flat: Record, changes: Record, status: int
) -> None:
    assert lenient.post("/models/flats/predict", json=flat | changes).status_code == status


def test_lenient_and_strict_answer_alike(
    lenient: httpx.Client, api: httpx.Client, flat: Record
) -> None:
    text = lenient.post("/models/flats/predict", json=flat | {"area_m2": "80.5"}).json()
    number = api.post("/models/flats/predict", json=flat).json()
    assert text["prediction"] == number["prediction"]


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        # computes in float32, in which this is infinite, and says so
        (DecisionTreeRegressor(), "ValueError; the server's log has its words"),
        # multiplies beyond the largest float64
        (LinearRegression(), "its answer is not a finite number"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_valid_one_by_one_that_the_estimator_cannot_answer_are_refused(
    home_copy: Path, monkeypatch: pytest.MonkeyPatch, estimator: object, reason: str
) -> None:
    """Models logged by hand that take numbers without bounds; their words may tell of them."""
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    model = estimator.fit(X, [1e10, 2e10, 3e10])
    project = open_project("penguins")
    with mlflow.start_run(experiment_id=project.experiment):
        mlflow.sklearn.log_model(
            model, name="model", input_example=X, serialization_format="skops",
            registered_model_name="by_hand", pip_requirements=["scikit-learn"],
            skops_trusted_types=["sklearn.tree._tree.Tree"],
        )  # fmt: skip
    project.tracking.set_production("by_hand", "1")
    monkeypatch.setenv("MODEL_NAME", "by_hand")
    get_settings.cache_clear()
    with serving(get_settings()) as running:
        assert running.client.post("/predict", json={"a": 1.0}).status_code == 200
        answer = running.client.post("/predict", json={"a": 1e308})
        assert answer.status_code == 422
        assert answer.json()["detail"].endswith(reason)
