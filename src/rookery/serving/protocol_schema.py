"""What other servers' protocols look like in the OpenAPI document, with examples that work."""

import csv
import io
from typing import Any, get_args

from rookery.core.records import RecordField
from rookery.core.served import Description
from rookery.serving.protocols.invocations import FORMS
from rookery.serving.protocols.tensors import DATATYPES, Datatype

Schema = dict[str, Any]
JSON, CSV, OCTETS = "application/json", "text/csv", "application/octet-stream"
TEXT: Schema = {"type": "string"}
LIST: Schema = {"type": "array"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def invocations_body(record: Schema, one: Description | None) -> Schema:
    """A request in MLflow's protocol; `record` is the schema of one."""
    split = {"columns": LIST | {"items": TEXT}, "data": LIST | {"items": LIST}, "index": LIST}
    records = LIST | {"items": record, "minItems": 1}
    named = {"anyOf": [records, {"type": "object"}, LIST]}
    shapes = (_object(split, "columns", "data"), records, named, named)
    forms = [_object({form: shape}, form) for form, shape in zip(FORMS, shapes, strict=True)]
    cells: Schema = {"schema": TEXT | {"description": "A header, then rows of as many cells."}}
    content: Schema = {JSON: {"schema": {"oneOf": forms}}, CSV: cells}
    if one and one.example:
        values = _invocations_examples(one.example)
        content[JSON]["examples"] = {form: {"value": {form: values[form]}} for form in FORMS}
        content[CSV]["example"] = _csv(one.example)
    return {"required": True, "content": content}


def invocations_answer(label: Schema) -> Schema:
    """The answer to it; `label` is the schema of one."""
    predictions = _object({"predictions": LIST | {"items": label, "minItems": 1}}, "predictions")
    version = {"description": "The version that answered.", "schema": TEXT}
    return {
        "description": "The predictions, in the order of the rows",
        "headers": {"X-Model-Version": version},
        "content": {JSON: {"schema": predictions}},
    }


def infer_body(one: Description | None) -> Schema:
    """A request in the Open Inference Protocol."""
    asked = _object({"name": TEXT, "parameters": {"type": "object"}}, "name")
    tensor = _tensor(COUNT) | {"required": ["name", "shape", "datatype"]}
    request = {
        "id": TEXT | {"maxLength": 1000},
        "parameters": {"type": "object"},
        "inputs": LIST | {"items": tensor, "minItems": 1},
        "outputs": LIST | {"items": asked, "maxItems": 10},
    }
    content: Schema = {JSON: {"schema": _object(request, "inputs")}}
    if one and one.example:
        content[JSON]["example"] = {"inputs": _tensors(one.example, one.fields)}
    held = "That JSON, as long as Inference-Header-Content-Length says, then binary tensors."
    content[OCTETS] = {"schema": TEXT | {"format": "binary", "description": held}}
    return {"required": True, "content": content}


def infer_answer() -> Schema:
    """The answer to it: in binary where that was asked for."""
    answer = {
        "model_name": TEXT,
        "model_version": TEXT,
        "id": TEXT,
        "outputs": LIST | {"items": _tensor(COUNT) | {"required": ["name", "shape", "datatype"]}},
    }
    described = _object(answer, "model_name", "model_version", "outputs")
    content = {JSON: {"schema": described}, OCTETS: {"schema": TEXT | {"format": "binary"}}}
    return {"description": "The tensors that were asked for", "content": content}


def _tensor(size: Schema) -> Schema:
    return _object({
        "name": TEXT,
        "shape": LIST | {"items": size, "minItems": 1, "maxItems": 2},
        "datatype": {"enum": list(get_args(Datatype))},
        "parameters": {"type": "object"},
        "data": LIST,
    })  # fmt: skip


def _tensors(record: Schema, fields: tuple[RecordField, ...]) -> list[Schema]:
    kinds = {field.name: DATATYPES[field.type] for field in fields}
    return [
        {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]}
        for name, value in record.items()
    ]


def _invocations_examples(record: Schema) -> Schema:
    split = {"columns": list(record), "data": [list(record.values())]}
    columns = {name: [value] for name, value in record.items()}
    return dict(zip(FORMS, (split, [record], [record], columns), strict=True))


def _csv(record: Schema) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([record, record.values()])
    return text.getvalue()


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}
