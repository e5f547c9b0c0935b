"""Who may predict, and who may reload."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from tests.integration.serving.conftest import ADMIN, Served, serving

KEY = "sésame"


@pytest.fixture(scope="module")
def guarded(served: Served) -> Iterator[httpx.Client]:
    update = {"api_key": SecretStr(KEY), "api_admin_token": None, "model_names": ["penguins"]}
    with serving(served.settings.model_copy(update=update)) as running:
        yield running.client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "sesame"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {KEY}".encode()}, 401),
        ({"X-API-Key": KEY.encode()}, 200),
        ({"Authorization": f"Bearer {KEY}".encode()}, 200),
        ({"Authorization": f"bearer {KEY}".encode()}, 200),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_predictions_need_the_key_where_one_is_set(
    guarded: httpx.Client, penguin: dict[str, Any], headers: Any, status: int, batch: bool
) -> None:
    path, body = ("/predict/batch", [penguin]) if batch else ("/predict", penguin)
    answer = guarded.post(path, json=body, headers=headers)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_what_is_not_a_prediction_needs_no_key(guarded: httpx.Client) -> None:
    for path in ("/health", "/ready", "/model", "/metrics", "/docs"):
        assert guarded.get(path).status_code == 200


def test_the_schema_says_that_a_key_is_needed(guarded: httpx.Client, api: httpx.Client) -> None:
    for client, needed in ((guarded, True), (api, False)):
        operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        assert ("security" in operation) == needed


def test_reload_is_forbidden_without_a_token_on_the_server(guarded: httpx.Client) -> None:
    answer = guarded.post("/reload", headers=ADMIN)
    assert answer.status_code == 403
    assert "API_ADMIN_TOKEN" in answer.json()["detail"]


def test_an_empty_token_is_none(served: Served) -> None:
    update = {"api_key": SecretStr(""), "api_admin_token": SecretStr("")}
    settings = served.settings.model_copy(update=update | {"model_names": ["penguins"]})
    with serving(settings, wait=False) as running:
        assert running.client.post("/reload").status_code == 403
        assert running.client.post("/predict", json={}).status_code != 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "let-me-in"},
        {"X-API-Key": "let-me-in"},
    ],
)
def test_reload_needs_the_token(api: httpx.Client, headers: dict[str, str]) -> None:
    assert api.post("/reload", headers=headers).status_code == 401


def test_reload_at_the_root_looks_for_every_model(api: httpx.Client) -> None:
    found = api.post("/reload", headers=ADMIN).json()["models"]
    assert [(one["model"], one["outcome"]) for one in found] == [
        ("penguins", "unchanged"), ("flats", "unchanged"),
    ]  # fmt: skip


def test_reload_below_a_name_looks_for_that_model(api: httpx.Client) -> None:
    found = api.post("/models/flats/reload", headers=ADMIN).json()["models"]
    assert [one["model"] for one in found] == ["flats"]
