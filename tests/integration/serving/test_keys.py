"""Who may predict, and who may reload."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from tests.integration.serving.conftest import ADMIN, Served, serving

KEY = "sésame"
KEYED = re.compile(r"/(predict|predict/batch|invocations|infer|predictions/\{number\}|feedback)$")


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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/models/penguins/predict"),
        ("POST", "/invocations"),
        ("POST", "/models/penguins/invocations"),
        ("POST", "/v2/models/penguins/infer"),
        ("POST", "/v2/models/penguins/versions/1/infer"),
        ("GET", "/predictions/00000000-0000-4000-8000-000000000000"),
        ("POST", "/feedback"),
    ],
)
def test_every_path_to_predictions_needs_the_key(
    guarded: httpx.Client, method: str, path: str
) -> None:
    asked = guarded.request(method, path, json={})
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"] == "Bearer"
    assert guarded.request(method, path, json={}, headers={"X-API-Key": "x"}).status_code == 401
    known = guarded.request(method, path, json={}, headers={"X-API-Key": KEY.encode()})
    assert known.status_code in (404, 422)


def test_what_is_not_a_prediction_needs_no_key(guarded: httpx.Client) -> None:
    for path in ("/health", "/ready", "/model", "/metrics", "/docs"):
        assert guarded.get(path).status_code == 200


def test_the_schema_says_that_a_key_is_needed(guarded: httpx.Client, api: httpx.Client) -> None:
    for client, needed in ((guarded, True), (api, False)):
        paths = client.get("/openapi.json").json()["paths"]
        found = {path for path, item in paths.items() for one in item.values() if "security" in one}
        asked = {path for path in found if not path.endswith("/reload")}
        assert (asked == {path for path in paths if KEYED.search(path)}) == needed
        assert bool(asked) == needed


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
