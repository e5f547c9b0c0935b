"""The Open Inference Protocol (KServe V2) over HTTP, with JSON and binary tensors.

Source: the protocol's REST specification, and the binary tensor extension of Triton.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from rookery.core.located import brief
from rookery.core.records import Fault, RecordField
from rookery.serving.bodies import read_json
from rookery.serving.problems import Problem, ProblemError, invalid
from rookery.serving.protocols.rows import (
    Columns,
    Given,
    check_count,
    check_encoding,
    check_names,
    check_width,
    refused,
    shown,
    unparsable,
    unsupported,
    without_gaps,
)
from rookery.serving.protocols.tensors import (
    DATATYPES,
    Binary,
    Datatype,
    Tensor,
    datatype_of,
    decode,
    encode,
)
from rookery.serving.protocols.texts import read_texts

JSON, OCTETS = "application/json", "application/octet-stream"
HEADER_LENGTH = "Inference-Header-Content-Length"
ALL_COLUMNS = "input-0"  # the documented name; any that is no column's will do
LABELS, SCORES, IDS = "predict", "predict_proba", "prediction_id"
REFUSED_PARAMETERS = ("classification", "shared_memory_region")


@dataclass(frozen=True)
class InferRequest:
    """What was asked: rows to be validated, and how the answer is to look."""

    given: Given
    id: str | None
    outputs: tuple[tuple[str, bool], ...]  # names, and whether in binary


@dataclass(frozen=True)
class Rendered:
    """An answer, ready to be sent."""

    body: bytes
    media_type: str
    headers: dict[str, str]


class _Output(BaseModel):
    name: str
    parameters: dict[str, Any] = {}


class _Request(BaseModel):
    id: str | None = Field(default=None, max_length=1000)
    parameters: dict[str, Any] = {}
    inputs: list[Tensor]
    outputs: list[_Output] = Field(default=[], max_length=10)


def parse_infer(
    body: bytes,
    headers: Mapping[str, str],
    fields: Sequence[RecordField],
    ignored: Sequence[str],
    most_rows: int,
    *,
    scores: bool,
) -> InferRequest:
    """A request for inference; `scores` says whether the model has probabilities to give.

    Raises:
        Problem: 400 for what is not JSON or ends too early, 413 for more than `most_rows`,
            415 for another content type, 422 for tensors that are not the model's.
    """
    length = _header_length(headers, len(body))
    width = len(fields) + len(ignored)
    request = _structure(read_json(body[:length], width, most_rows), width)
    check_names([tensor.name for tensor in request.inputs], "inputs")
    check_count(max((tensor.rows for tensor in request.inputs), default=0), most_rows)
    names = _named(request.inputs, fields, ignored)
    outputs = _outputs(request, scores=scores)
    binary = Binary(memoryview(body)[length:])
    known = {field.name: field for field in fields}
    columns: dict[str, list[Any]] = {}
    for tensor, held in zip(request.inputs, names, strict=True):
        columns |= _columns(tensor, decode(tensor, binary), held, known)
    if binary.left:
        message = f"{len(binary.left)} bytes follow the last tensor"
        raise unparsable(message, "as many bytes as the tensors' binary_data_size say")
    given = Columns(columns, request.inputs[0].rows)
    return InferRequest(without_gaps(given, fields, ignored), request.id, outputs)


def render_infer(
    request: InferRequest,
    labels: Sequence[Any],
    scores: Sequence[Sequence[float]] | None,
    ids: Sequence[str],
    *,
    name: str,
    version: str,
) -> Rendered:
    """The answer of one version, each output as it was asked for."""
    outputs, parts = [], []
    for wanted, binary in request.outputs:
        datatype, shape, values = _values(wanted, labels, scores, ids)
        output: dict[str, Any] = {"name": wanted, "datatype": datatype, "shape": shape}
        if binary:
            parts.append(encode(values, datatype))
            output["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            output["data"] = values
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": name, "model_version": version}
    answer |= {"id": request.id} if request.id is not None else {}
    head = to_json(answer | {"outputs": outputs})
    if not parts:
        return Rendered(head, JSON, {})
    return Rendered(b"".join([head, *parts]), OCTETS, {HEADER_LENGTH: str(len(head))})


def server_metadata(version: str) -> dict[str, Any]:
    """The answer of GET /v2."""
    return {"name": "rookery", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(
    name: str, version: str, fields: Sequence[RecordField], classes: Sequence[Any], *, scores: bool
) -> dict[str, Any]:
    """The answer of GET /v2/models/{name}; `classes` in the order of the probabilities."""
    outputs: list[dict[str, Any]] = [_described(LABELS, datatype_of(classes), [-1])]
    if scores:
        classed = {"parameters": {"classes": list(classes)}}
        outputs.append(_described(SCORES, "FP64", [-1, len(classes)]) | classed)
    return {
        "name": name,
        "versions": [version],
        "platform": "sklearn_skops",
        "inputs": [_described(field.name, DATATYPES[field.type], [-1]) for field in fields],
        "outputs": [*outputs, _described(IDS, "BYTES", [-1])],
    }


def check_version(asked: str | None, loaded: str, name: str) -> None:
    """Lets pass the version that answers, and a request that names none.

    Raises:
        Problem: 404.
    """
    if asked is not None and asked != loaded:
        message = f"version {shown(asked)} of {name} is not loaded; version {loaded} is"
        error = ProblemError(field="version", value=shown(asked), allowed=loaded, message=message)
        raise Problem(404, message, errors=[error], next=f"GET /v2/models/{name}")


def problem_body(problem: Problem) -> bytes:
    """A problem with the member that the protocol's clients look for."""
    return problem.body(error=problem.details.detail)


def _described(name: str, datatype: Datatype, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}


def _header_length(headers: Mapping[str, str], size: int) -> int:
    """How many bytes of the body are JSON."""
    given = headers.get("content-type", JSON)  # tritonclient sends none
    if given.partition(";")[0].strip().lower() not in (JSON, OCTETS, ""):
        raise unsupported("content-type", given, f"{JSON} or {OCTETS}")
    check_encoding(headers)
    length = headers.get(HEADER_LENGTH.lower())
    if length is None:
        return size
    if not (length.isascii() and length.isdecimal() and len(length) < 18 and int(length) <= size):
        message = f"{HEADER_LENGTH} is {shown(length)!r}, the body has {size} bytes"
        raise unparsable(message, "how many bytes of the body are JSON")
    return int(length)


def _structure(found: Any, known: int) -> _Request:
    inputs = found.get("inputs") if isinstance(found, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise refused("body", found, "an object with inputs, a list of tensors")
    check_width(len(inputs), known)
    try:
        return _Request.model_validate(found, strict=True)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)
        raise invalid([_fault(item) for item in wrong]) from None


def _fault(found: Any) -> Fault:
    place, told = ".".join(map(str, found["loc"])), found["msg"]
    return Fault(place, shown(found["input"]), told, f"{place}: {told}")


def _named(
    inputs: Sequence[Tensor], fields: Sequence[RecordField], ignored: Sequence[str]
) -> list[list[str]]:
    """The columns that each tensor holds: one, or all in the signature's order."""
    (first, *others) = inputs
    if not others and first.name not in {*ignored, *(field.name for field in fields)}:
        return [_all_columns(first, fields)]
    for tensor in inputs:
        if tensor.rows != first.rows or tensor.width != 1:
            allowed = "[rows] or [rows, 1]: one column, and as many rows in each tensor"
            raise _wrong_shape(tensor, allowed)
    return [[tensor.name] for tensor in inputs]


def _all_columns(tensor: Tensor, fields: Sequence[RecordField]) -> list[str]:
    names = [field.name for field in fields]
    texts = [field.name for field in fields if field.type not in ("float", "integer")]
    if tensor.width != len(fields):
        allowed = f"one tensor a column ({brief(names)}), or [rows, {len(fields)}] for all of them"
        raise _wrong_shape(tensor, allowed)
    if texts and tensor.datatype != "BYTES":
        allowed = f"one tensor a column: {brief(texts)} hold no numbers"
        raise refused(tensor.name, tensor.datatype, allowed)
    return names


def _wrong_shape(tensor: Tensor, allowed: str) -> Problem:
    message = f"{shown(tensor.name)} has the shape {tensor.shape}; allowed: {allowed}"
    return refused(tensor.name, str(tensor.shape), allowed, message)


def _columns(
    tensor: Tensor, values: list[Any], names: Sequence[str], fields: Mapping[str, RecordField]
) -> dict[str, list[Any]]:
    columns = {name: values[place :: len(names)] for place, name in enumerate(names)}
    if tensor.datatype != "BYTES":
        return columns
    return {name: read_texts(texts, fields.get(name)) for name, texts in columns.items()}


def _outputs(request: _Request, *, scores: bool) -> tuple[tuple[str, bool], ...]:
    """What was asked for; labels and scores where nothing was."""
    default = request.parameters.get("binary_data_output", False)
    usual = (LABELS, SCORES) if scores else (LABELS,)
    if not request.outputs:
        return tuple((name, default is True) for name in usual)
    check_names([output.name for output in request.outputs], "outputs")
    for output in request.outputs:
        if output.name not in (*usual, IDS):
            raise refused("outputs", output.name, f"some of {', '.join((*usual, IDS))}")
        for parameter in REFUSED_PARAMETERS:
            if parameter in output.parameters:
                raise refused("outputs", parameter, "the parameter binary_data")
    return tuple(
        (output.name, output.parameters.get("binary_data", default) is True)
        for output in request.outputs
    )


def _values(
    name: str,
    labels: Sequence[Any],
    scores: Sequence[Sequence[float]] | None,
    ids: Sequence[str],
) -> tuple[Datatype, list[int], Sequence[Any]]:
    """Datatype, shape and values, in row-major order, of one output."""
    if name == LABELS:
        return datatype_of(labels), [len(labels)], labels
    if name == IDS:
        return "BYTES", [len(ids)], ids
    rows = scores or []
    shape = [len(rows), len(rows[0]) if rows else 0]
    return "FP64", shape, [score for row in rows for score in row]
