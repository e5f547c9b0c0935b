"""Bodies that are too large, of the wrong type, or no JSON at all."""

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.integration.serving.conftest import JSON

LIMIT = 200_000  # API_MAX_BODY_BYTES of the server under test
PATHS = ("/predict", "/predict/batch", "/models/flats/predict", "/models/flats/predict/batch")


def test_a_body_above_the_limit_is_refused(api: httpx.Client) -> None:
    answer = api.post("/predict", content=b" " * (LIMIT + 1), headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["allowed"] == LIMIT


def test_a_body_above_the_limit_is_refused_without_content_length(api: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * (LIMIT // 5)

    answer = api.post("/predict", content=chunks(), headers=JSON)
    assert answer.status_code == 413


def test_a_body_at_the_limit_is_read(api: httpx.Client, penguin: dict[str, Any]) -> None:
    body = httpx.Request("POST", "http://x", json=penguin).content.ljust(LIMIT)
    assert api.post("/predict", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize(("rows", "status"), [(0, 422), (1, 200), (400, 200), (401, 413)])
def test_a_batch_has_one_to_the_allowed_number_of_rows(
    api: httpx.Client, penguin: dict[str, Any], rows: int, status: int
) -> None:
    answer = api.post("/predict/batch", json=[penguin] * rows)
    assert answer.status_code == status
    if status == 200:
        assert len(answer.json()["predictions"]) == rows


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
def test_another_content_type_is_refused(api: httpx.Client, headers: dict[str, str]) -> None:
    answer = api.post("/predict", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


def test_json_with_a_charset_is_json(api: httpx.Client, penguin: dict[str, Any]) -> None:
    body = httpx.Request("POST", "http://x", json=penguin).content
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert api.post("/predict", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"sex": male}',
        b"{'sex': 'male'}",
        b'{"sex": "\xff\xfe"}',
        '{"sex": "männlich"}'.encode("utf-16"),
        b'"\\ud800"',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"1" * 100_000,
        b"{}{}",
        b"\x00",
    ],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("path", PATHS[:2])
def test_what_is_no_json_is_400(api: httpx.Client, path: str, body: bytes) -> None:
    answer = api.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/predict", [], "/predict/batch takes lists"),
        ("/predict", [{}], "/predict/batch takes lists"),
        ("/predict", None, "null"),
        ("/predict", 5, "a number"),
        ("/predict", True, "a boolean"),
        ("/predict/batch", {}, "/predict takes one"),
        ("/predict/batch", "text", "a text"),
    ],
)
def test_json_of_another_shape_is_422(api: httpx.Client, path: str, body: Any, said: str) -> None:
    answer = api.post(path, content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_never_break_the_server(
    api: httpx.Client, penguin: dict[str, Any], seed: int
) -> None:
    draw = random.Random(seed)
    valid = httpx.Request("POST", "http://x", json=penguin).content
    for _ in range(75):
        if draw.random() < 0.5:
            body = draw.randbytes(draw.randint(0, 300))
        else:
            changed = bytearray(valid)
            for _ in range(draw.randint(1, 6)):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            body = bytes(changed)
        answer = api.post(draw.choice(PATHS), content=body, headers=JSON)
        assert answer.status_code in (200, 400, 422), body
    assert api.post("/predict", json=penguin).status_code == 200


def test_feedback_is_checked_and_then_kept(api: httpx.Client, penguin: dict[str, Any]) -> None:
    number = api.post("/predict", json=penguin).json()["id"]
    given = {"id": number, "outcome": "Gentoo", "note": "seen"}
    assert api.post("/feedback", json=given).status_code == 201
    assert api.get(f"/predictions/{number}").json()["input"] == penguin
    unknown = "00000000-0000-4000-8000-000000000000"
    for changes, status in (
        ({"id": unknown}, 404), ({"id": "nobody"}, 404), ({"id": "x" * 37}, 422),
        ({"outcome": float("nan")}, 422), ({"outcome": None}, 422), ({"outcome": {}}, 422),
        ({"note": "x" * 1001}, 422), ({"extra": 1}, 422), ({"note": "x" * LIMIT}, 413),
    ):  # fmt: skip
        answer = api.post("/feedback", content=json.dumps(given | changes), headers=JSON)
        assert answer.status_code == status, changes
        assert answer.headers["content-type"] == "application/problem+json"
    assert api.post("/feedback", content=json.dumps(given)).status_code == 415
    assert api.post("/feedback", json=[given]).status_code == 422
    assert api.get(f"/predictions/{unknown}").status_code == 404


def test_blanks_and_unused_columns_of_a_large_body_do_not_fill_the_log(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    body = json.dumps(penguin | {"year": "x" * 100_000}).ljust(LIMIT)
    number = api.post("/predict", content=body, headers=JSON).json()["id"]
    assert api.get(f"/predictions/{number}").json()["input"] == penguin
