"""What Prometheus reads."""

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.serving.conftest import JSON


def read(api: httpx.Client) -> dict[str, float]:
    """Every sample of /metrics, by `name{label=value,…}`."""
    found = {}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_requests_are_counted_by_template_and_status(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    before = read(api)
    api.post("/predict", json=penguin)
    api.post("/predict/batch", json=[penguin] * 3)
    api.post("/predict", content=b"{", headers=JSON)
    after = read(api)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("http_requests_total{method=POST,path=/predict,status=200}") == 1
    assert grown("http_requests_total{method=POST,path=/predict,status=400}") == 1
    assert grown("http_requests_total{method=POST,path=/predict/batch,status=200}") == 1
    assert grown("http_request_duration_seconds_count{method=POST,path=/predict}") == 2
    assert grown("predictions_total{model=penguins,version=1}") == 4


def test_the_loaded_models_are_named(api: httpx.Client) -> None:
    found = read(api)
    for name in ("penguins", "flats"):
        infos = [key for key in found if key.startswith("model_info") and f"model={name}" in key]
        assert len(infos) == 1
        assert "alias=production" in infos[0]
        assert "version=1" in infos[0]
        assert found[f"model_reloads_total{{model={name},outcome=loaded}}"] == 1


def test_paths_and_methods_that_clients_invent_make_no_new_series(api: httpx.Client) -> None:
    api.get("/nothing")
    before = set(read(api))
    for number in range(20):
        api.get(f"/nothing/{number}")
        api.request(f"VERB{number}", "/predict")
    assert len(set(read(api)) - before) < 30
    assert not [key for key in read(api) if "VERB" in key or "/nothing" in key]


def test_requests_are_not_logged_unless_asked_for(
    api: httpx.Client, penguin: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="rookery.requests")
    api.post("/predict", json=penguin)
    api.get("/health")
    assert not [record for record in caplog.records if record.name == "rookery.requests"]
