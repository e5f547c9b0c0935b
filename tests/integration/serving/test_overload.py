"""More than a slow model can answer, and what it does to everything else."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from tests.integration.serving.conftest import Served, eventually, serving
from tests.integration.serving.test_metrics import read
from tests.integration.serving.test_swap import log_by_hand

from rookery.jobs.project import open_project
from rookery.settings import get_settings

MOST_WAITING = 40
CLIENTS = 16


@pytest.fixture
def slow(home_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A model that scikit-learn itself answers for, and few rows that may wait for it."""
    monkeypatch.setenv("API_MOST_WAITING", str(MOST_WAITING))
    get_settings.cache_clear()
    project = open_project("penguins")
    pipeline = make_pipeline(PolynomialFeatures(3), StandardScaler(), LogisticRegression())
    version = log_by_hand(project, pipeline, serialization_format="skops")
    project.tracking.set_production("penguins", version)
    with serving(project.settings) as served:
        yield served


def nothing_waits(served: Served, record: dict[str, Any]) -> bool:
    """A request of more rows than may wait is taken only where none do."""
    answer = served.client.post("/predict/batch", json=[record] * (MOST_WAITING + 1))
    return answer.status_code == 200


def test_what_does_not_fit_the_queue_is_refused_with_the_time_to_come_back(
    slow: Served, numbers: dict[str, Any]
) -> None:
    records = [numbers] * (MOST_WAITING // 2)

    def ask(_: int) -> list[httpx.Response]:
        with httpx.Client(base_url=slow.client.base_url, timeout=60) as client:
            return [client.post("/predict/batch", json=records) for _ in range(10)]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [answer for some in clients.map(ask, range(CLIENTS)) for answer in some]
    assert {answer.status_code for answer in answers} == {200, 503}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
    answered = len(answers) - len(refused)
    assert read(slow.client)["predictions_total{model=penguins,version=2}"] == 20 * answered
    assert nothing_waits(slow, numbers)


def test_a_large_request_to_a_slow_model_holds_up_nobody_else(
    slow: Served, numbers: dict[str, Any]
) -> None:
    large: list[httpx.Response] = []
    thread = threading.Thread(
        target=lambda: large.append(slow.client.post("/predict/batch", json=[numbers] * 10_000))
    )
    meanwhile = 0
    with httpx.Client(base_url=slow.client.base_url, timeout=30) as other:
        other.get("/health")
        thread.start()
        while thread.is_alive():
            assert other.get("/health").status_code == 200
            meanwhile += thread.is_alive()
    assert large[0].status_code == 200
    assert len(large[0].json()["predictions"]) == 10_000
    assert meanwhile > 2
    assert nothing_waits(slow, numbers)


def test_clients_that_leave_cost_nothing_that_lasts(slow: Served, numbers: dict[str, Any]) -> None:
    place = urlsplit(str(slow.client.base_url))
    body = httpx.Request("POST", "http://localhost", json=numbers).content
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    for end in (len(body), len(body) // 2, 0):
        for _ in range(MOST_WAITING * 2):
            with socket.create_connection((str(place.hostname), int(place.port or 0))) as client:
                client.sendall(head + length + body[:end])
    # asked after all of them
    assert slow.client.post("/predict", json=numbers).status_code in (200, 503)
    eventually(lambda: nothing_waits(slow, numbers))
    assert not [key for key in read(slow.client) if "status=500" in key]
