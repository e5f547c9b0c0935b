"""Errors that are no fault of a record."""

from typing import Any

import httpx
import pytest
import uvicorn
from tests.integration.serving.conftest import Served, serving

from rookery.errors import InputError, Unavailable
from rookery.serving.problems import from_error


@pytest.mark.parametrize(
    "path", ["/", "/predict/", "/models/geese/predict", "/models/penguins", "/model/versions/9"]
)
def test_an_unknown_path_is_a_problem(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert path in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST"),
        ("PUT", "/predict/batch", "POST"),
        ("DELETE", "/models/flats/predict", "POST"),
        ("GET", "/reload", "POST"),
        ("POST", "/health", "GET"),
        ("POST", "/ready", "GET"),
        ("PATCH", "/model", "GET"),
        ("POST", "/model/versions", "GET"),
        ("POST", "/metrics", "GET"),
    ],
)
def test_another_method_is_a_problem(
    api: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.json()["status"] == 405


def test_a_defect_is_a_500_that_says_nothing_of_the_inside(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route that fails is one that no user has; the handlers are the application's own."""
    built: list[Any] = []
    monkeypatch.setattr(uvicorn, "Config", _remembering(uvicorn.Config, built))
    with serving(served.settings, wait=False) as running:

        async def fail() -> None:
            raise RuntimeError("secret inside")

        built[0].app.app.add_api_route("/fail", fail)
        answer = running.client.get("/fail")
        metrics = running.client.get("/metrics").text
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "RuntimeError: secret inside" in caplog.text
    assert 'http_requests_total{method="GET",path="/fail",status="500"} 1.0' in metrics


def _remembering(config: Any, built: list[Any]) -> Any:
    def build(app: Any, **options: Any) -> Any:
        built.append(app)
        return config(app, **options)

    return build


def test_a_password_in_an_address_is_not_told() -> None:
    error = Unavailable("MLflow at http://me:pw@mlflow:5005 failed", value="http://me:pw@mlflow")
    shown = from_error(error).response().body.decode()
    assert "me:pw" not in shown
    assert "http://mlflow:5005" in shown


def test_a_wrong_setting_is_not_the_clients_fault() -> None:
    assert from_error(InputError("MLflow refuses us")).details.status == 503
