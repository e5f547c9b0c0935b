"""The OpenAPI document, from the models that are loaded at the moment."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rookery.core.served import Description
from rookery.serving.loaded import Loaded
from rookery.serving.predictions import PredictMany, PredictOne
from rookery.serving.problems import ProblemDetails, refusals
from rookery.serving.protocol_routes import MLFLOW, V2
from rookery.serving.protocol_schema import (
    infer_answer,
    infer_body,
    invocations_answer,
    invocations_body,
)
from rookery.serving.scoring import Infer, Invocations
from rookery.serving.swap import Follower
from rookery.settings import Settings

Schema = dict[str, Any]
STRICT = "Text where a number belongs is refused."
LENIENT = "Text that holds a number is read as one (API_STRICT=false)."
DESCRIPTION = """\
Predictions by the model versions that carry the serving alias.

What a record may hold: every required column, in its type and range; a whole number where a
fraction may stand; `null` or nothing for a column that is not required. Columns of the raw table
that the model does not use are accepted and ignored. An unknown column, the column that is
predicted, an unknown category, NaN and Infinity are refused. {texts}

Errors are `application/problem+json` (RFC 9457), one entry in `errors` for each field.
"""


class Document:
    """Builds the document, again after every swap. `places` are path prefixes and their models."""

    def __init__(self, app: FastAPI, places: Mapping[str, Follower], settings: Settings) -> None:
        self.app = app
        self.places = places
        self.settings = settings
        self._built: tuple[tuple[Loaded | None, ...], Schema] | None = None

    def __call__(self) -> Schema:
        loaded = tuple(follower.loaded for follower in self.places.values())
        if self._built is None or any(
            old is not new for old, new in zip(self._built[0], loaded, strict=True)
        ):
            self._built = (loaded, self._build(loaded))
        return self._built[1]

    def _build(self, loaded: tuple[Loaded | None, ...]) -> Schema:
        document = get_openapi(
            title=self.app.title,
            version=self.app.version,
            description=DESCRIPTION.format(texts=STRICT if self.settings.api_strict else LENIENT),
            routes=self.app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= _with_definitions(
            "ProblemDetails", ProblemDetails.model_json_schema(ref_template=REFERENCE)
        )
        for (prefix, follower), model in zip(self.places.items(), loaded, strict=True):
            names = _component_names(follower.name)
            schemas[names[0]] = _record_schema(follower, model)
            schemas[names[1]] = answer_schema(model.description if model else None)
            one = model.description if model else None
            self._describe(document["paths"], prefix, names, one)
            self._describe_protocols(document["paths"], prefix, names[0], one)
        self._secure(document)
        _drop_fastapis_refusals(document)
        return document

    def _describe(
        self, paths: Schema, prefix: str, names: tuple[str, str], one: Description | None
    ) -> None:
        example = one.example if one else None
        record, answer = ({"$ref": REFERENCE.format(model=name)} for name in names)
        rows = self.settings.api_max_rows
        listed = {"type": "array", "items": record, "minItems": 1, "maxItems": rows}
        predictions = {"type": "array", "items": answer, "minItems": 1}
        tag = names[0].removesuffix("_record")
        path = f"{prefix}/predict"
        paths[path] = _asked(
            path, tag, PredictOne, _body(record, example), _success("The prediction", answer)
        )
        path = f"{prefix}/predict/batch"
        paths[path] = _asked(
            path,
            tag,
            PredictMany,
            _body(listed, [example] if example else None),
            _success(
                "The predictions, in the order of the records",
                _object({"predictions": predictions}),
            ),
        )

    def _describe_protocols(
        self, paths: Schema, prefix: str, record: str, one: Description | None
    ) -> None:
        path = f"{prefix}/invocations"
        body = invocations_body({"$ref": REFERENCE.format(model=record)}, one)
        paths[path] = _asked(
            path, MLFLOW, Invocations, body, invocations_answer(_label_schema(one))
        )
        if prefix:  # the first model has two prefixes, and one name
            path = f"/v2{prefix}/infer"
            paths[path] = _asked(path, V2, Infer, infer_body(one), infer_answer())

    def _secure(self, document: Schema) -> None:
        """Says which key each operation needs, where one is set."""
        schemes = {"admin": {"type": "http", "scheme": "bearer"}}
        operations = [
            (path, operation)
            for path, item in document["paths"].items()
            for operation in item.values()
        ]
        for path, operation in operations:
            if path.endswith("/reload"):
                operation["security"] = [{"admin": []}]
            elif self.settings.api_key and path.endswith(GUARDED):
                operation["security"] = [{"key": []}, {"bearer": []}]
        if self.settings.api_key:
            schemes["key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
            schemes["bearer"] = {"type": "http", "scheme": "bearer"}
        document["components"]["securitySchemes"] = schemes


REFERENCE = "#/components/schemas/{model}"
GUARDED = (
    "/predict", "/predict/batch", "/invocations", "/infer", "/predictions/{number}", "/feedback",
)  # fmt: skip


def _drop_fastapis_refusals(document: Schema) -> None:
    """FastAPI describes a 422 of its own for each part of a path, although any text will do."""
    for item in document["paths"].values():
        for operation in item.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _asked(path: str, tag: str, endpoint: type[object], body: Schema, success: Schema) -> Schema:
    """The description of a hot path, which no router knows."""
    said = inspect.getdoc(endpoint)
    return {
        "post": {
            "tags": [tag],
            "summary": said,
            "operationId": re.sub(r"\W+", "_", path.strip("/")),
            "requestBody": body,
            "responses": {
                "200": success,
                **{str(k): v for k, v in refusals(400, 401, 408, 413, 415, 422, 503).items()},
            },
        }
    }


def answer_schema(model: Description | None) -> Schema:
    """JSON Schema of one prediction; its labels where a model is loaded."""
    text = {"type": "string"}
    fields: Schema = {
        "prediction": _label_schema(model),
        "model": text | ({"const": model.name} if model else {}),
        "version": text | {"description": "The version that gave this answer."},
        "id": text | {"format": "uuid", "description": "Of this answer alone."},
    }
    if model is not None and model.classes:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        shares = _object({str(label): share for label in model.classes})
        fields["probabilities"] = shares
    return _object(fields)


def _label_schema(model: Description | None) -> Schema:
    if model is None:
        return {}
    target = model.target
    unit = f" [{target.unit}]" if target and target.unit else ""
    described = {"description": f"{target.description}{unit}".strip()} if target else {}
    if model.labels is None:
        return {"type": "number"} | described
    return {"enum": list(model.labels)} | described


def _record_schema(follower: Follower, loaded: Loaded | None) -> Schema:
    if loaded is None:
        return {
            "type": "object",
            "description": f"Known when a version is promoted: `rookery promote {follower.name}`.",
        }
    schema = loaded.reader.schema()
    one = loaded.description
    return schema | {"title": f"A record of {one.title}", "examples": [one.example]}


def _component_names(name: str) -> tuple[str, str]:
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"{safe}_record", f"{safe}_prediction"


def _body(schema: Schema, example: Any) -> Schema:
    content = {"schema": schema} | ({"example": example} if example else {})
    return {"required": True, "content": {"application/json": content}}


def _success(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _with_definitions(name: str, schema: Schema) -> Schema:
    """A schema and those it refers to, as components."""
    inner: Schema = schema.pop("$defs", {})
    return {name: schema} | inner
