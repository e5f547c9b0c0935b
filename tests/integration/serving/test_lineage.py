"""What the API says of itself and of the model that it serves."""

from pathlib import Path

import httpx
import pytest
from tests.conftest import point_at
from tests.integration.serving.conftest import eventually, serving

import rookery as rk


def test_health_is_200_while_the_process_lives(api: httpx.Client) -> None:
    assert api.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/ready", "/models/penguins/ready"])
def test_ready_names_model_version_and_alias(api: httpx.Client, path: str) -> None:
    assert api.get(path).json() == {
        "ready": True, "model": "penguins", "version": "1", "alias": "production",
        "via": "alias", "failed": None, "warnings": [],
    }  # fmt: skip


def test_the_model_card_leads_back_to_run_rows_and_commit(
    api: httpx.Client, two_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, two_models)
    status = rk.status("penguins")
    card = api.get("/model").json()
    version = status["versions"][0]
    assert card["run_id"] == version["run_id"]
    assert card["run_link"].endswith(f"/runs/{version['run_id']}")
    assert card["family"] == version["family"]
    assert card["metrics"]["holdout_accuracy"] > 0.9
    assert len(card["digest"]) == 16
    assert len(card["commit"]) == 40
    assert card["libraries"]["scikit-learn"].startswith("1.9")
    assert (card["path"], card["why_not_compiled"]) == ("linear", None)
    assert card["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    fields = {field["name"]: field for field in card["signature"]}
    assert set(fields) == {"island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm",
                           "body_mass_g", "sex"}  # fmt: skip
    assert fields["body_mass_g"]["range"] == [1500, 9000]
    assert fields["body_mass_g"]["unit"] == "g"
    assert fields["sex"]["values"] == ["female", "male"]


def test_the_history_has_versions_and_ledger(api: httpx.Client) -> None:
    found = api.get("/model/versions").json()
    (version,) = found["versions"]
    assert (version["version"], version["aliases"], version["serving"]) == (
        "1", ["production"], True,
    )  # fmt: skip
    (row,) = found["ledger"]
    assert (row["from"], row["to"], row["outcome"]) == (None, "1", "done")


@pytest.mark.parametrize(
    ("path", "name"), [("", "penguins"), ("/models/penguins", "penguins"),
                       ("/models/flats", "flats")],
)  # fmt: skip
def test_the_first_model_answers_at_the_root_and_each_below_its_name(
    api: httpx.Client, path: str, name: str
) -> None:
    assert api.get(f"{path}/ready").json()["model"] == name
    assert api.get(f"{path}/model").json()["model"] == name
    assert api.get(f"{path}/model/versions").json()["model"] == name


def test_an_empty_project_is_served_alive_and_not_ready(empty_home: Path) -> None:
    from rookery.settings import get_settings

    with serving(get_settings(), wait=False) as running:
        api = running.client
        assert api.get("/health").status_code == 200
        eventually(lambda: "no version" in api.get("/ready").json()["detail"])
        for answer in (
            api.get("/ready"), api.get("/model"), api.post("/predict", json={}),
            api.post("/predict/batch", json=[]),
        ):  # fmt: skip
            assert answer.status_code == 503
            assert answer.json()["next"] == "rookery promote penguins"
            assert "'production'" in answer.json()["detail"]
        history = api.get("/model/versions")
        assert (history.json()["versions"], history.json()["ledger"]) == ([], [])
        assert api.get("/docs").status_code == 200
        record = api.get("/openapi.json").json()["components"]["schemas"]["penguins_record"]
        assert "rookery promote penguins" in record["description"]
