"""Which names the API answers to."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.integration.serving.conftest import ADMIN, Served, serving

from rookery.errors import InputError
from rookery.serving.app import create_app
from rookery.serving.hosts import MOST_SEEN, OWN, KnownHosts, allowed_names, is_allowed
from rookery.serving.metrics import Metrics
from rookery.serving.observed import Observed

PROBLEM = "application/problem+json"
NAMES = [*OWN, "LocalHost:8000", "fastapi:8000", socket.gethostname()]
ADDRESSES = ["127.0.0.1:80", "0.0.0.0:8000", "192.168.1.20", "[::1]:8000", "[2001:db8::20]"]
REBOUND = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"]


@pytest.fixture(scope="module")
def named(served: Served) -> Iterator[httpx.Client]:
    update = {
        "api_allowed_hosts": ["ML.example.org", "proxy:8443"],
        "api_ui_url": "https://pages.example.org/api/",
        "model_names": ["penguins"],
    }
    with serving(served.settings.model_copy(update=update), wait=False) as running:
        yield running.client


def asked_as(client: httpx.Client, host: str, path: str = "/health") -> httpx.Response:
    return client.get(path, headers={"Host": host})


@pytest.mark.parametrize("host", [*NAMES, *ADDRESSES])
def test_the_api_answers_to_its_own_names_and_to_every_ip_address(api: httpx.Client, host: str):
    for _ in range(2):
        assert asked_as(api, host).status_code == 200


@pytest.mark.parametrize("host", [*REBOUND, "", "[::1", "::1", "256.0.0.1", "localhost:port", "ü"])
def test_a_name_that_is_not_the_api_s_own_is_refused(api: httpx.Client, host: str):
    for _ in range(2):
        answer = api.get("/health", headers={"Host": host.encode()})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == PROBLEM


def test_a_request_without_a_host_is_refused(api: httpx.Client):
    url = api.base_url
    with socket.create_connection((url.host, url.port), 5) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("path", ["/", "/model", "/metrics", "/docs", "/openapi.json", "/ready"])
def test_no_page_is_shown_to_a_rebound_name(api: httpx.Client, path: str):
    refused = asked_as(api, "evil.example:8000", path)
    assert refused.status_code == 421
    assert "penguins" not in refused.text


def test_neither_prediction_nor_reload_is_done_for_a_rebound_name(
    api: httpx.Client, penguin: dict[str, Any]
):
    evil = {"Host": "evil.example"}
    assert api.post("/predict", json=penguin, headers=evil).status_code == 421
    assert api.post("/reload", headers=ADMIN | evil).status_code == 421


def test_the_refusal_names_the_host_and_the_setting_that_would_let_it_in(api: httpx.Client):
    said = asked_as(api, "ml.example.org:8000").json()
    assert said["title"] == "Misdirected Request"
    assert "'ml.example.org:8000'" in said["detail"]
    assert said["next"].endswith("API_ALLOWED_HOSTS=ml.example.org")
    (error,) = said["errors"]
    assert (error["field"], error["value"]) == ("Host", "ml.example.org:8000")


def test_refusals_are_counted(api: httpx.Client):
    asked_as(api, "evil.example")
    counted = 'http_requests_total{method="GET",path="other",status="421"}'
    assert counted in api.get("/metrics").text


@pytest.mark.parametrize(
    "host", ["ml.example.org", "ml.EXAMPLE.org:443", "proxy", "pages.example.org", "localhost"]
)
def test_names_that_the_settings_hold_are_let_in_besides(named: httpx.Client, host: str):
    assert asked_as(named, host).status_code == 200
    assert asked_as(named, f"not-{host}").status_code == 421


def test_a_star_lets_every_name_in(served: Served):
    update = {"api_allowed_hosts": ["*"], "model_names": ["penguins"]}
    with serving(served.settings.model_copy(update=update), wait=False) as running:
        for host in (*REBOUND, ""):
            assert asked_as(running.client, host).status_code == 200


@pytest.mark.parametrize("entry", ["http://ml.example.org", "*.example.org", "a b", "ml/api"])
def test_an_entry_that_is_no_name_keeps_the_api_from_starting(served: Served, entry: str):
    settings = served.settings.model_copy(update={"api_allowed_hosts": [entry]})
    with pytest.raises(InputError) as refused:
        create_app(settings)
    assert refused.value.field == "API_ALLOWED_HOSTS"
    assert repr(entry) in refused.value.message


def test_whoever_sends_every_address_does_not_fill_the_memory(served: Served):
    async def nothing(*_: Any) -> None: ...

    known = KnownHosts(
        nothing, allowed_names(served.settings), Observed(Metrics(), log_requests=False)
    )
    for port in range(MOST_SEEN * 2):
        scope = {"type": "http", "headers": [(b"host", b"127.0.0.1:%d" % port)]}
        asyncio.run(known(scope, nothing, nothing))
    assert len(known.seen) == MOST_SEEN
    assert is_allowed("127.0.0.1:9999", known.names)
