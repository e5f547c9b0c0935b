"""What nobody would send: no answer of 500, none that the document does not describe.

Where `ROOKERY_ALL_TESTS` is set, 20 times as much is sent.
"""

import json
import os
import random
import re
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from tests.integration.serving.conftest import ADMIN, JSON
from tests.unit.serving.protocols.models import hostile

TIMES = 20 if os.environ.get("ROOKERY_ALL_TESTS") else 1
# what JSON Schema cannot say of them: columns of one length, names that are known, ids that exist
LOOSE = re.compile(r"/(invocations|infer|feedback)$")
INSIDE = re.compile(r"Traceback|File \"|site-packages|\.py\b|/home/|/tmp/|pydantic|numpy|sklearn")
PREDICTING = (
    "/predict", "/predict/batch", "/invocations", "/models/flats/predict",
    "/models/flats/predict/batch", "/models/flats/invocations", "/v2/models/penguins/infer",
    "/v2/models/flats/infer", "/v2/models/flats/versions/1/infer", "/feedback",
)  # fmt: skip
BRACKETS = 20_000
FIELD = b'{"island":"Biscoe","bill_length_mm":%s,"bill_depth_mm":18,"flipper_length_mm":181,'
FIELD += b'"body_mass_g":3750,"sex":"male"}'


def test_every_operation_keeps_to_its_description(api: httpx.Client) -> None:
    """Schemathesis asks each operation with what its schema allows, and with what it forbids."""
    schema = schemathesis.openapi.from_url(f"{api.base_url}/openapi.json")
    # too many records are a refusal too
    schema.config.checks.negative_data_rejection.expected_statuses.append("413")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 37
    for operation in operations:
        for mode in GenerationMode:
            if mode is GenerationMode.POSITIVE or operation.body:
                ask(operation.as_strategy(generation_mode=mode))


def ask(cases: SearchStrategy[Case]) -> None:
    @settings(
        max_examples=10 * TIMES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def check(case: Case) -> None:
        loose = [negative_data_rejection, positive_data_acceptance]
        headers = ADMIN if case.path.endswith("/reload") else {}
        case.call_and_validate(
            headers=headers, excluded_checks=loose if LOOSE.search(case.path) else []
        )

    check()


def is_refused(answer: httpx.Response) -> bool:
    """A refusal that says nothing of the inside; success and 500 are none."""
    assert not INSIDE.search(answer.text), answer.text
    assert len(answer.content) < 100_000
    refused = 400 <= answer.status_code < 500
    assert not refused or answer.headers["content-type"] == "application/problem+json"
    return refused


@pytest.fixture(scope="session")
def examples(api: httpx.Client) -> list[tuple[str, str, bytes]]:
    """Path, content type and body of every example in the document."""
    found = []
    for path, item in api.get("/openapi.json").json()["paths"].items():
        content = item.get("post", {}).get("requestBody", {}).get("content", {})
        for kind, one in content.items():
            values = [form["value"] for form in one.get("examples", {}).values()]
            for value in [*values, *([one["example"]] if "example" in one else [])]:
                body = value if isinstance(value, str) else json.dumps(value)
                found.append((path, kind, body.encode()))
    assert len(found) == 3 * (2 + 4 + 1) + 2
    return found


@pytest.mark.parametrize("seed", range(4))
def test_changed_examples_are_answered_or_refused(
    api: httpx.Client, examples: list[tuple[str, str, bytes]], seed: int
) -> None:
    draw = random.Random(seed)
    statuses = set()
    for _ in range(120 * TIMES):
        path, kind, body = draw.choice(examples)
        path = draw.choice([path, path, path, draw.choice(PREDICTING)])
        kind = draw.choice([kind, kind, kind, "text/csv", "application/json", "text/plain", ""])
        body = draw.choice([body, *[hostile([body], draw) for _ in range(4)]])
        answer = api.post(path, content=body, headers={"Content-Type": kind})
        assert answer.is_success or is_refused(answer), (path, kind, body)
        statuses.add(answer.status_code)
    assert {200, 400, 415, 422} <= statuses


@pytest.mark.parametrize("path", PREDICTING)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5 * BRACKETS,
        b'{"a":' * BRACKETS,
        b"[" * BRACKETS + b"]" * BRACKETS,
        b'{"inputs":' * BRACKETS + b"1" + b"}" * BRACKETS,
        b'{"inputs":[{"name":"island","shape":[1],"datatype":"BYTES","data":' + b"[" * 150_000,
        b"9" * 100_000,
        FIELD % (b"9" * 5000),
        FIELD % b"1e999999999",
        FIELD % b"-0",
        FIELD % b'"\\ud800"',
        FIELD % b'"\xed\xa0\x80"',
        FIELD % b'"\\u0000"',
        FIELD % b"\x00",
        FIELD % b"NaN",
        b'{"island":"Biscoe","island":"\\ud800"}',
        b"{" + b",".join(b'"c%d":1' % number for number in range(10_000)) + b"}",
        b'{"dataframe_records":[{' + b",".join(b'"c%d":1' % n for n in range(10_000)) + b"}]}",
        b'{"dataframe_split":{"columns":[' + b",".join([b'"x"'] * 10_000) + b'],"data":[[1]]}}',
        b'{"inputs":[' + b",".join([b"{}"] * 10_000) + b"]}",
        b'{"inputs":[{"name":"x","shape":[9223372036854775808],"datatype":"FP64","data":[]}]}',
        b'{"inputs":[{"name":"x","shape":[400,4000000000],"datatype":"FP64","data":[1]}]}',
        b'{"inputs":[{"name":"x","shape":[-1,-1],"datatype":"FP64","data":[1]}]}',
        b"[" + b",".join([b"null"] * 40_000) + b"]",
        b'{"instances":' + b"[" + b",".join([b"[]"] * 40_000) + b"]}",
        b'{"id":"\\u0000","outcome":NaN}',
        b'{"id":"00000000-0000-4000-8000-000000000000","outcome":Infinity}',
        b'{"id":"00000000-0000-4000-8000-000000000000","outcome":1,"note":"\\u0000"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
    ],
    ids=lambda body: repr(body[:24]) + str(len(body)),
)
@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/octet-stream"])
def test_a_hostile_body_is_refused_at_every_path(
    api: httpx.Client, path: str, body: bytes, kind: str
) -> None:
    answer = api.post(path, content=body, headers={"Content-Type": kind})
    assert is_refused(answer), (answer.status_code, answer.text[:300])


def test_the_last_of_two_equal_keys_counts_in_every_form(
    api: httpx.Client, penguin: dict[str, Any]
) -> None:
    twice = json.dumps(penguin)[:-1] + ', "sex": "no"}'
    for path, form in (
        ("/predict", "%s"), ("/predict/batch", "[%s]"),
        ("/invocations", '{"dataframe_records": [%s]}'), ("/invocations", '{"inputs": %s}'),
    ):  # fmt: skip
        answer = api.post(path, content=form % twice, headers=JSON)
        assert [error["field"] for error in answer.json()["errors"]] == ["sex"], path


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", "")],
        [("Content-Type", "application/json\x80")],
        [("Content-Type", "text/plain; application/json")],
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        [("Content-Type", "application/json"), ("Content-Encoding", "x" * 5000)],
    ],
)
@pytest.mark.parametrize("path", PREDICTING[:3])
def test_headers_that_say_something_else_are_refused(
    api: httpx.Client, penguin: dict[str, Any], path: str, headers: list[tuple[str, str]]
) -> None:
    body = json.dumps([penguin] if path.endswith("batch") else penguin)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = api.post(path, content=body, headers=raw)
    assert is_refused(answer)
    assert answer.status_code == 415


@pytest.mark.parametrize("length", ["-1", "1e3", "99", "999999999999999999999", "", "\u00b2"])
def test_a_wrong_length_of_the_json_before_tensors_is_refused(
    api: httpx.Client, length: str
) -> None:
    headers = [(b"Inference-Header-Content-Length", length.encode("latin-1"))]
    answer = api.post("/v2/models/penguins/infer", content=b"{}", headers=headers)
    assert is_refused(answer)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/%0d%0aX:%20y", "/%ff%fe", "/..%2f..%2fetc%2fpasswd", "/predict%00",
        "/predict//", "//predict", "/models/%00/predict", "/models/%2e%2e/predict",
        "/v2/models/%F0%9F%90%A7/infer",
        "/v2/models/penguins/versions/%00/infer", "/v2/models/penguins/versions/1e9/infer",
        "/predictions/%00", "/predictions/%27%20OR%201=1", "/predictions/" + "9" * 3000,
        "/static-offline-docs/..%2f..%2f..%2fetc%2fpasswd",
    ],
)  # fmt: skip
def test_a_hostile_path_leads_nowhere(api: httpx.Client, path: str) -> None:
    for method in ("GET", "POST"):
        answer = api.request(method, path, content=b"{}", headers=JSON)
        assert is_refused(answer), answer.text
        assert answer.status_code in (404, 405)


def test_nothing_of_it_stopped_the_server(api: httpx.Client, penguin: dict[str, Any]) -> None:
    assert api.post("/predict", json=penguin).status_code == 200
    assert 'status="500"' not in api.get("/metrics").text
