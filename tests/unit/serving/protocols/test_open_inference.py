"""The Open Inference Protocol, with bodies made and answers read by Triton's own client."""

import json
import random
import struct
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tests.unit.serving.protocols.models import (
    FLAT_FIELDS,
    IGNORED,
    MOST,
    MUTATIONS,
    NUMBER_FIELDS,
    SEEDS,
    hostile,
    refusal,
    refused_or_read,
)
from tritonclient.utils import np_to_triton_dtype

from rookery.serving.problems import Problem
from rookery.serving.protocols.open_inference import (
    HEADER_LENGTH,
    InferRequest,
    Rendered,
    check_version,
    model_metadata,
    parse_infer,
    problem_body,
    render_infer,
    server_metadata,
)
from rookery.serving.protocols.rows import as_records

Body = tuple[bytes, dict[str, str]]
FLAT_ARRAYS = {
    "area_m2": np.array([80.5, 40.25], "float32"),
    "rooms": np.array([[3], [2]], "int16"),
    "balcony": np.array([True, False]),
    "built": np.array([b"1987-06-01", b"2001-01-01"], object),
    "district": np.array(["Süd", "Nord"], object),
}
FLATS = [
    {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01", "district": "Süd"},
    {"area_m2": 40.25, "rooms": 2, "balcony": False, "built": "2001-01-01", "district": "Nord"},
]
ONE = {"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}


def made(arrays: dict[str, np.ndarray], *, binary: bool, **more: Any) -> Body:
    """A request as Triton's client makes it."""
    inputs = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        inputs.append(tensor.set_data_from_numpy(array, binary_data=binary))
    body, length = triton.InferenceServerClient.generate_request_body(inputs, **more)
    return body, {} if length is None else {HEADER_LENGTH.lower(): str(length)}


def parse(sent: Body, fields: Any = FLAT_FIELDS, *, scores: bool = True) -> InferRequest:
    return parse_infer(*sent, fields, IGNORED, MOST, scores=scores)


def ask(request: Any, after: bytes = b"", **headers: str) -> Any:
    """Parses a request of numbers that no client would make."""
    head = json.dumps(request).encode()
    lengths = {HEADER_LENGTH.lower(): str(len(head))} if after else {}
    return parse((head + after, lengths | headers), NUMBER_FIELDS)


def asked(**changes: Any) -> Any:
    return {"inputs": [ONE | changes]}


def read(answer: Rendered) -> Any:
    length = answer.headers.get(HEADER_LENGTH)
    return triton.InferenceServerClient.parse_response_body(
        answer.body, header_length=int(length) if length else None
    )


@pytest.mark.parametrize("binary", [True, False])
def test_a_tensor_a_column_is_read(binary: bool) -> None:
    found = parse(made(FLAT_ARRAYS, binary=binary))
    assert as_records(found.given) == FLATS
    assert [type(value) for value in as_records(found.given)[0].values()] == [
        float,
        int,
        bool,
        str,
        str,
    ]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    "layout",
    ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
     "float16", "float32", "float64"],
)  # fmt: skip
def test_every_number_is_read_exactly(layout: str, binary: bool) -> None:
    limits = np.finfo(layout) if "f" in layout else np.iinfo(layout)
    array = np.array([limits.min, 0, limits.max], layout)
    found = parse(made({"a": array}, binary=binary), NUMBER_FIELDS)
    assert [record["a"] for record in as_records(found.given)] == array.tolist()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("layout", ["float64", "int64", "object"])
def test_one_tensor_may_hold_all_columns(layout: str, binary: bool) -> None:
    array = np.array([[1, 2], [3, 4], [5, 6]]).astype(layout)
    array = array.astype(str).astype(object) if layout == "object" else array
    found = parse(made({"input-0": array}, binary=binary), NUMBER_FIELDS)
    assert as_records(found.given) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": 6}]


def test_texts_are_read_by_the_signature() -> None:
    texts = {"rooms": ["3.0", ""], "area_m2": ["80.5", "x"], "balcony": ["yes", "NA"]}
    arrays = {name: np.array(cells, object) for name, cells in texts.items()}
    found = parse(made(arrays, binary=True))
    assert as_records(found.given) == [
        {"rooms": 3, "area_m2": 80.5, "balcony": True},
        {"rooms": None, "area_m2": "x", "balcony": None},
    ]


@pytest.mark.parametrize("binary", [True, False])
def test_nan_is_none_where_the_value_may_be_missing(binary: bool) -> None:
    gaps = np.array([np.nan, 1.0])
    found = parse(made({"a": gaps, "b": gaps, "year": gaps}, binary=binary), NUMBER_FIELDS)
    assert [(record["b"], record["year"]) for record in as_records(found.given)] == [
        (None, None),
        (1, 1),
    ]
    assert np.isnan(as_records(found.given)[0]["a"])


def test_one_tensor_of_numbers_cannot_hold_columns_that_are_none() -> None:
    with pytest.raises(Problem, match="balcony, built, district hold no numbers") as error:
        parse(made({"input-0": np.ones((2, 5))}, binary=True))
    assert refusal(error.value) == (422, "input-0")


def test_an_answer_is_json_where_nothing_else_is_said() -> None:
    assert ask(asked()).outputs == (("predict", False), ("predict_proba", False))


def test_many_outputs_are_one_fault() -> None:
    with pytest.raises(Problem, match="at most 10 items") as error:
        ask(asked() | {"outputs": [{"name": "predict"}] * 11})
    assert refusal(error.value) == (422, "outputs")


def test_null_in_json_data_is_none() -> None:
    data = {"shape": [2, 1], "data": [[None], [2]]}
    assert as_records(ask(asked(**data, datatype="INT64")).given) == [{"a": None}, {"a": 2}]


def test_columns_that_the_model_ignores_or_does_not_know_are_left_to_the_validator() -> None:
    arrays = {"year": np.array([2007]), "a": np.array([1.0]), "more": np.array([b"x"], object)}
    found = parse(made(arrays, binary=True), NUMBER_FIELDS)
    assert as_records(found.given) == [{"year": 2007, "a": 1.0, "more": "x"}]


def answered(labels: list[Any], scores: Any, binary: bool, *outputs: Any, **more: Any) -> Any:
    """What Triton's client reads from an answer to one flat."""
    body = made(FLAT_ARRAYS, binary=True, outputs=list(outputs) or None, **more)
    request = parse(body, scores=scores is not None)
    answer = render_infer(request, labels, scores, ["i", "j"], name="flats", version="3")
    assert answer.media_type == ("application/octet-stream" if binary else "application/json")
    return read(answer)


@pytest.mark.parametrize(
    ("labels", "datatype"),
    [(["Süd", "x"], "BYTES"), ([1.5, -2.0], "FP64"), ([1, 2], "INT64"), ([True, False], "BOOL")],
)
@pytest.mark.parametrize("binary", [True, False])
def test_labels_and_scores_come_as_asked(labels: list[Any], datatype: str, binary: bool) -> None:
    scores = [[0.25, 0.75], [1.0, 0.0]]
    wanted = [triton.InferRequestedOutput(n, binary) for n in ("predict_proba", "predict")]
    found = answered(labels, scores, binary, *wanted, request_id="7")
    assert found.as_numpy("predict_proba").tolist() == scores
    told = [x.decode() if isinstance(x, bytes) else x for x in found.as_numpy("predict").tolist()]
    assert told == labels
    assert found.get_output("predict")["datatype"] == datatype
    response = found.get_response()
    assert [output["name"] for output in response["outputs"]] == ["predict_proba", "predict"]
    assert (response["id"], response["model_name"], response["model_version"]) == (
        "7",
        "flats",
        "3",
    )


def test_everything_is_answered_where_nothing_is_asked_for() -> None:
    found = answered(["a", "b"], [[1.0], [1.0]], True)  # the client then wants it in binary
    assert [output["name"] for output in found.get_response()["outputs"]] == [
        "predict", "predict_proba",
    ]  # fmt: skip
    assert "id" not in found.get_response()


def test_a_regressor_has_no_scores() -> None:
    found = answered([1.5, 2.5], None, True)
    assert [output["name"] for output in found.get_response()["outputs"]] == ["predict"]
    with pytest.raises(Problem) as error:
        answered([1.5], None, True, triton.InferRequestedOutput("predict_proba"))
    assert refusal(error.value) == (422, "outputs")


def test_an_output_decides_over_the_request_whether_it_is_binary() -> None:
    outputs = [{"name": "predict", "parameters": {"binary_data": False}}, {"name": "prediction_id"}]
    request = asked() | {"outputs": outputs, "parameters": {"binary_data_output": True}}
    found = ask(request)
    assert found.outputs == (("predict", False), ("prediction_id", True))
    answer = read(render_infer(found, [1.0], None, ["an-id"], name="m", version="1"))
    assert answer.as_numpy("prediction_id").tolist() == [b"an-id"]
    assert answer.get_output("predict")["data"] == [1.0]


def test_metadata_names_the_tensors() -> None:
    found = model_metadata("flats", "3", FLAT_FIELDS, ["x", "y"], scores=True)
    assert {tensor["name"]: tensor["datatype"] for tensor in found["inputs"]} == {
        "area_m2": "FP64", "rooms": "INT64", "balcony": "BOOL", "built": "BYTES",
        "district": "BYTES",
    }  # fmt: skip
    assert found["versions"] == ["3"]
    predict, scores, _ids = found["outputs"]
    assert predict == {"name": "predict", "datatype": "BYTES", "shape": [-1]}
    assert (scores["shape"], scores["parameters"]) == ([-1, 2], {"classes": ["x", "y"]})
    assert "binary_tensor_data" in server_metadata("1")["extensions"]
    regressor = model_metadata("flats", "3", FLAT_FIELDS, (), scores=False)
    assert [output["name"] for output in regressor["outputs"]] == ["predict", "prediction_id"]


def test_only_the_loaded_version_answers() -> None:
    check_version(None, "3", "flats")
    check_version("3", "3", "flats")
    with pytest.raises(Problem) as error:
        check_version("4", "3", "flats")
    assert refusal(error.value) == (404, "version")
    assert json.loads(problem_body(error.value))["error"].startswith("version 4 of flats")


PAIR = [ONE, ONE | {"name": "b"}]


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        ([], 422, "body"),
        ({}, 422, "body"),
        ({"inputs": []}, 422, "body"),
        ({"inputs": [5]}, 422, "inputs.0"),
        ({"inputs": [{}] * 100}, 422, "columns"),
        ({"inputs": [ONE, ONE]}, 422, "inputs"),
        ({"inputs": [ONE, ONE | {"name": "b", "shape": [2], "data": [1, 2]}]}, 422, "b"),
        (asked(shape=[]), 422, "inputs.0.shape"),
        (asked(shape=[1, 1, 1]), 422, "inputs.0.shape"),
        (asked(shape=[True]), 422, "inputs.0.shape.0"),
        (asked(shape=["1"]), 422, "inputs.0.shape.0"),
        (asked(shape=[1.0]), 422, "inputs.0.shape.0"),
        (asked(shape=[0], data=[]), 422, "body"),
        (asked(shape=[-1]), 422, "body"),
        (asked(shape=[-1, -1]), 422, "body"),
        ({"inputs": [ONE, ONE | {"name": "b", "shape": [-1]}]}, 422, "b"),
        (asked(shape=[1, -1]), 422, "a"),
        (asked(shape=[1, 0]), 422, "a"),
        (asked(shape=[1, 2], data=[1, 2]), 422, "a"),
        (asked(shape=[1, 10**30]), 422, "a"),
        (asked(shape=[10**4000]), 413, "body"),
        (asked(shape=[MOST + 1]), 413, "body"),
        (asked(shape=[2]), 422, "a"),
        (asked(datatype="BF16"), 422, "inputs.0.datatype"),
        (asked(datatype="fp64"), 422, "inputs.0.datatype"),
        (asked(data=None), 422, "a"),
        (asked(data="1.5"), 422, "a"),
        (asked(data=["1.5"]), 422, "a"),
        (asked(data=[True]), 422, "a"),
        (asked(data=[[1.5]]), 422, "a"),
        (asked(shape=[2, 1], data=[[1.5], ["x"]]), 422, "1.a"),
        (asked(shape=[2, 1], data=[[1.5, 1], []]), 422, "a"),
        (asked(datatype="INT64", data=[1.0]), 422, "a"),
        (asked(datatype="INT8", data=[128]), 422, "a"),
        (asked(datatype="UINT64", data=[-1]), 422, "a"),
        (asked(datatype="UINT64", data=[2**64]), 422, "a"),
        (asked(datatype="BOOL", data=[1]), 422, "a"),
        (asked(datatype="BYTES", data=[1]), 422, "a"),
        (asked(name="x"), 422, "x"),
        (asked(name="x", shape=[1, 3], data=[1, 2, 3]), 422, "x"),
        (asked(parameters={"shared_memory_region": "r"}, data=None), 422, "a"),
        (asked(parameters={"binary_data_size": 8}), 422, "a"),
        (asked(parameters={"binary_data_size": -8}, data=None), 422, "a"),
        (asked(parameters={"binary_data_size": True}, data=None), 422, "a"),
        (asked(parameters={"binary_data_size": 8}, data=None), 400, "body"),
        (asked() | {"id": 7}, 422, "id"),
        (asked() | {"id": "x" * 1001}, 422, "id"),
        (asked() | {"outputs": [{"name": "predict"}] * 2}, 422, "outputs"),
        (asked() | {"outputs": [{"name": "species"}]}, 422, "outputs"),
        (asked() | {"outputs": [{"name": "predict", "parameters": {"classification": 2}}]}, 422,
         "outputs"),
    ],
    ids=lambda value: repr(value)[:60],
)  # fmt: skip
def test_what_is_no_request_is_refused(request_: Any, status: int, field: str) -> None:
    with pytest.raises(Problem) as error:
        ask(request_)
    assert refusal(error.value) == (status, field)
    assert len(problem_body(error.value)) < 4000


def sized(size: int, **changes: Any) -> Any:
    return asked(data=None, parameters={"binary_data_size": size}, **changes)


@pytest.mark.parametrize(
    ("request_", "after", "status", "field"),
    [
        (sized(8), bytes(7), 400, "body"),
        (sized(8), bytes(9), 400, "body"),
        (sized(10**12), bytes(8), 400, "body"),
        (sized(16), bytes(16), 422, "a"),
        (sized(4), bytes(4), 422, "a"),
        (sized(1, datatype="BOOL"), b"\x02", 422, "a"),
        (sized(2, datatype="BOOL", shape=[2]), b"\x01\x02", 422, "1.a"),
        (sized(4, datatype="BYTES"), b"\xff\xff\xff\xff", 422, "a"),
        (sized(5, datatype="BYTES"), b"\x00\x00\x00\x00x", 422, "a"),
        (sized(3, datatype="BYTES"), bytes(3), 422, "a"),
        (sized(8, datatype="BYTES"), bytes(8), 422, "a"),
        (sized(5, datatype="BYTES"), b"\x01\x00\x00\x00\xff", 422, "a"),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_bytes_that_do_not_fit_are_refused(
    request_: Any, after: bytes, status: int, field: str
) -> None:
    with pytest.raises(Problem) as error:
        ask(request_, after)
    assert refusal(error.value) == (status, field)


@pytest.mark.parametrize(
    "length", ["-1", "", "x", "²", "1" * 30, "10000", "0", "20", " 5", "1_0", "+5"]
)
def test_a_header_length_that_lies_is_refused(length: str) -> None:
    with pytest.raises(Problem) as error:
        ask(asked(), b"", **{HEADER_LENGTH.lower(): length})
    assert refusal(error.value) == (400, "body")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "application/octet-stream"}, 200),
        ({"content-type": "Application/JSON; charset=utf-8"}, 200),
        ({}, 200),
    ],
)
def test_the_content_type_is_that_of_a_known_client(headers: dict[str, str], status: int) -> None:
    assert refused_or_read(lambda: ask(asked(), **headers)) == status


def test_every_fault_of_many_tensors_is_bounded() -> None:
    with pytest.raises(Problem) as error:
        ask({"inputs": [{"name": 1, "shape": ["x"] * 1000}] * 20})
    assert len(error.value.details.errors) <= 100
    assert len(problem_body(error.value)) < 60_000


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("binary", [True, False])
def test_hostile_bodies_are_read_or_refused(binary: bool, seed: int) -> None:
    draw = random.Random(seed)
    body, headers = made(FLAT_ARRAYS, binary=binary, request_id="7")

    def attempt() -> None:
        given = headers
        if binary and draw.random() < 0.3:
            given = {HEADER_LENGTH.lower(): str(draw.randint(0, 2 * len(body)))}
        changed = hostile([body], draw)
        if binary and draw.random() < 0.5:  # only what follows the JSON
            head = int(headers[HEADER_LENGTH.lower()])
            changed = body[:head] + hostile([body[head:]], draw)
        parse((changed, given))

    seen = {refused_or_read(attempt) for _ in range(MUTATIONS)}
    assert {400, 422} <= seen <= {200, 400, 413, 422}


def test_elements_are_read_as_the_client_writes_them() -> None:
    raw = b"".join(struct.pack("<I", len(text)) + text for text in (b"2", b"3.5"))
    found = ask(sized(len(raw), datatype="BYTES", shape=[2]), raw)
    assert as_records(found.given) == [{"a": 2.0}, {"a": 3.5}]
