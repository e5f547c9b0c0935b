"""MLflow's scoring protocol, against what its own server was recorded to answer."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from mlflow.protos.databricks_pb2 import ErrorCode
from tests.unit.serving.protocols.models import (
    FLAT_FIELDS,
    IGNORED,
    MOST,
    MUTATIONS,
    NUMBER_FIELDS,
    PENGUIN_FIELDS,
    SEEDS,
    hostile,
    refusal,
    refused_or_read,
)
from tests.unit.serving.protocols.record_mlflow import (
    FLAT_COLUMNS,
    FLATS,
    PENGUIN_COLUMNS,
    PENGUINS,
    rows,
)

from rookery.serving.problems import Problem
from rookery.serving.protocols.invocations import (
    ERROR_CODES,
    PING,
    PROTOCOL_VERSION,
    parse_invocations,
    problem_body,
    render_predictions,
)
from rookery.serving.protocols.rows import as_records

RECORDED = json.loads((Path(__file__).parent / "recorded_mlflow.json").read_text("utf-8"))
FIELDS = {"penguins": PENGUIN_FIELDS, "flats": FLAT_FIELDS}
SENT = {"penguins": rows(PENGUIN_COLUMNS, PENGUINS), "flats": rows(FLAT_COLUMNS, FLATS)}
VALUES = {  # read, and left to the validator, which knows what each field allows
    "an integer for a float", "text for a float", "null for a float", "NaN for a float",
    "an unknown category", "null for a category", "NaN for a category", "another column",
    "a missing column", "text/csv with gaps", "text/csv with no number",
}  # fmt: skip
STRICTER = {"params"}  # MLflow answers, as if nothing had been asked for
MORE = {"text/csv", "text/csv with an index"}  # of flats: MLflow cannot read a date in a CSV
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}


def recorded(model: str) -> list[Any]:
    asked = [found for found in RECORDED[model] if found.get("form")]
    return [pytest.param(model, found, id=f"{model}: {found['form']}") for found in asked]


def parse(body: Any, fields: Any = PENGUIN_FIELDS, headers: Any = JSON) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return as_records(parse_invocations(sent, headers, fields, IGNORED, MOST))


def replay(model: str, found: Any) -> Any:
    request = found["request"]
    headers = {"content-type": request["content_type"]}
    return parse(request["body"].encode(), FIELDS[model], headers)


@pytest.mark.parametrize(("model", "found"), [*recorded("penguins"), *recorded("flats")])
def test_what_mlflow_answers_is_read_and_what_it_refuses_is_refused(model: str, found: Any) -> None:
    form, status = found["form"], found["answer"]["status"]
    if form in VALUES:
        assert len(replay(model, found)) in (1, 3)
    elif (status == 200 and form not in STRICTER) or (model == "flats" and form in MORE):
        records = replay(model, found)
        expected = SENT[model][: len(records)]
        assert len(records) == (1 if "one r" in form or "quotes" in form else 2)
        assert "quotes" in form or records == expected
    else:
        assert status == (200 if form in STRICTER else 400)
        with pytest.raises(Problem) as error:
            replay(model, found)
        assert error.value.details.status in (400, 422)


@pytest.mark.parametrize(("model", "found"), [*recorded("penguins"), *recorded("flats")])
def test_predictions_look_as_mlflow_renders_them(model: str, found: Any) -> None:
    if found["answer"]["status"] == 200:
        told = json.loads(found["answer"]["body"])
        assert json.loads(render_predictions(told["predictions"])) == told
    else:
        told = json.loads(found["answer"]["body"])
        body = json.loads(problem_body(Problem(400, "wrong")))
        assert set(told) >= {"error_code", "message"} <= set(body)
        assert body["error_code"] in ErrorCode.keys()  # noqa: SIM118 - an enum of protobuf


def test_ping_and_version_are_what_mlflow_says() -> None:
    plain = {found["request"]["path"]: found["answer"] for found in RECORDED["penguins"][:3]}
    assert plain["/ping"]["body"].encode() == PING
    assert plain["/version"]["body"] == PROTOCOL_VERSION == RECORDED["mlflow"]


def test_every_error_code_is_one_of_mlflows() -> None:
    assert set(ERROR_CODES.values()) <= set(ErrorCode.keys())


@pytest.mark.parametrize("form", ["dataframe_records", "instances", "inputs"])
def test_a_gap_is_none_where_the_value_may_be_missing(form: str) -> None:
    gap = float("nan")
    row = {"area_m2": gap, "rooms": gap, "balcony": gap, "built": "NaT", "year": gap, "more": gap}
    (record,) = parse({form: [row]}, FLAT_FIELDS)
    assert [record[name] for name in ("rooms", "balcony", "built", "year")] == [None] * 4
    assert record["area_m2"] != record["area_m2"]
    assert record["more"] != record["more"]


def test_a_gap_in_a_split_frame_is_none_where_the_value_may_be_missing() -> None:
    split = {"columns": ["area_m2", "rooms", "built"], "data": [[1.0, float("nan"), "NaT"]]}
    assert parse({"dataframe_split": split}, FLAT_FIELDS) == [
        {"area_m2": 1.0, "rooms": None, "built": None}
    ]


def test_the_only_column_needs_no_name() -> None:
    assert parse({"inputs": [1, 2.5]}, NUMBER_FIELDS[:1]) == [{"a": 1}, {"a": 2.5}]


def test_a_cell_is_read_as_its_column() -> None:
    sent = (
        "area_m2,rooms,balcony,built,district,year,remark\r\n"
        '80.5,3.0,True,2001-01-01,"Süd",2007,"with a ""view"", and\nmore"\r\n'
        "1e2,,,,Nord,,\r\n"
        "x,3.5,maybe,June,None,x,NA\r\n"
    )
    first, gaps, wrong = parse(sent.encode(), FLAT_FIELDS, CSV)
    assert list(first.values()) == [
        80.5, 3, True, "2001-01-01", "Süd", "2007", 'with a "view", and\nmore',
    ]  # fmt: skip
    assert type(first["rooms"]) is int
    assert list(gaps.values()) == [100.0, None, None, None, "Nord", None, None]
    assert list(wrong.values()) == ["x", "3.5", "maybe", "June", None, "x", None]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\n\r\n", b""])
def test_marks_and_blank_lines_are_no_rows(mark: bytes) -> None:
    assert parse(mark + b"a,b\n1,2\n\n3,4\n\n", NUMBER_FIELDS, CSV) == [
        {"a": 1.0, "b": 2},
        {"a": 3.0, "b": 4},
    ]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 422, "body"),
        (b"a,b", 422, "body"),
        (b"a,a\n1,2", 422, "header"),
        (b"a,b\n1,2\n3\n", 422, "1.row"),
        (b"a,b\n1,2,3\n", 422, "row"),
        (b"a,b\n" + b"1,2\n" * (MOST + 1), 413, "body"),
        (b"a,b\n1,2" + b"\n" * (MOST + 2) + b"3,4", 413, "body"),
        (b"," * 100 + b"\n1", 422, "columns"),
        (b"a\n\xff", 400, "body"),
        (b'a\n"1', 400, "body"),
        (b'a\n"1"2', 400, "body"),
        (b"a\n" + b"x" * 200_000, 400, "body"),
        ("a\n1".encode("utf-16"), 400, "body"),
    ],
    ids=repr,
)
def test_what_is_no_table_is_refused(body: bytes, status: int, field: str) -> None:
    with pytest.raises(Problem) as error:
        parse(body, NUMBER_FIELDS, CSV)
    assert refusal(error.value) == (status, field)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"[" * 10_000, 400, "body"),
        (b'{"inputs": {"a": ' + b"[" * 10_000, 400, "body"),
        ({"inputs": 5}, 422, "inputs"),
        ({"inputs": []}, 422, "body"),
        ({"inputs": {"a": []}}, 422, "body"),
        ({"inputs": {"a": [1] * (MOST + 1)}}, 413, "body"),
        ({"inputs": {"a": [1], "b": 2}}, 422, "inputs"),
        ({"inputs": {str(key): [1] for key in range(100)}}, 422, "columns"),
        ({"instances": [{}] * (MOST + 1)}, 413, "body"),
        ({"dataframe_records": {"0": {}}}, 422, "dataframe_records"),
        ({"dataframe_split": [1]}, 422, "dataframe_split"),
        ({"dataframe_split": {"columns": "ab", "data": []}}, 422, "dataframe_split.columns"),
        ({"dataframe_split": {"columns": [0], "data": [[1]]}}, 422, "dataframe_split.columns"),
        ({"dataframe_split": {"columns": [[]], "data": [[1]]}}, 422, "dataframe_split.columns"),
        ({"dataframe_split": {"columns": [str(x) for x in range(99)], "data": [[1] * 99]}}, 422,
         "columns"),
        ({"inputs": [[[]] * 110_000]}, 413, "body"),
        ({"dataframe_split": {"columns": ["a"], "data": "x"}}, 422, "dataframe_split.data"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], 2]}}, 422, "1.dataframe_split.data"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]] * 51}}, 413, "body"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]], "index": 1}}, 422,
         "dataframe_split.index"),
        ({"inputs": [{}], "params": {"a": 1}}, 422, "params"),
        ({"inputs": [{}], "params": [1]}, 422, "params"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_json_of_another_shape_is_refused(body: Any, status: int, field: str) -> None:
    with pytest.raises(Problem) as error:
        parse(body, NUMBER_FIELDS)
    assert refusal(error.value) == (status, field)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/vnd.apache.parquet"},
        {"content-type": "text/csv; charset=latin-1"},
        {"content-type": "application/json; format=pandas-split"},
        CSV | {"content-encoding": "gzip"},
    ],
    ids=repr,
)
def test_another_content_type_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as error:
        parse(b"a,b\n1,2", NUMBER_FIELDS, headers)
    assert error.value.details.status == 415


def test_a_content_type_is_read_in_any_case() -> None:
    headers = {"content-type": "Text/CSV; Charset=UTF-8;"}
    assert parse(b"a,b\n1,2", NUMBER_FIELDS, headers) == [{"a": 1.0, "b": 2}]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_hostile_bodies_are_read_or_refused(kind: str, seed: int) -> None:
    draw = random.Random(seed)
    requests = [found["request"] for found in RECORDED["flats"] if found.get("form")]
    valid = [sent["body"].encode() for sent in requests if sent["content_type"] == kind]
    headers = {"content-type": kind}
    seen = {
        refused_or_read(lambda: parse(hostile(valid, draw), FLAT_FIELDS, headers))
        for _ in range(MUTATIONS)
    }
    assert {200, 400, 422} <= seen <= {200, 400, 413, 422}
