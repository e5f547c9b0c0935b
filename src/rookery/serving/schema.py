"""The OpenAPI document, from the models that are loaded at the moment."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rookery.core.served import ServedModel
from rookery.serving.problems import ProblemDetails
from rookery.serving.swap import Follower, Loaded
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
            schemas[names[1]] = answer_schema(model.model if model else None)
            example = model.reader.example() if model else None
            self._describe(document["paths"], prefix, names, example)
        self._secure(document)
        return document

    def _describe(
        self, paths: Schema, prefix: str, names: tuple[str, str], example: Schema | None
    ) -> None:
        record, answer = ({"$ref": REFERENCE.format(model=name)} for name in names)
        one, many = paths[f"{prefix}/predict"]["post"], paths[f"{prefix}/predict/batch"]["post"]
        rows = self.settings.api_max_rows
        listed = {"type": "array", "items": record, "minItems": 1, "maxItems": rows}
        one["requestBody"] = _body(record, example)
        many["requestBody"] = _body(listed, [example] if example else None)
        one["responses"]["200"] = _success("The prediction", answer)
        predictions = {"type": "array", "items": answer, "minItems": 1}
        many["responses"]["200"] = _success(
            "The predictions, in the order of the records",
            _object({"predictions": predictions}),
        )

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
            elif self.settings.api_key and path.endswith(("/predict", "/predict/batch")):
                operation["security"] = [{"key": []}, {"bearer": []}]
        if self.settings.api_key:
            schemes["key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
            schemes["bearer"] = {"type": "http", "scheme": "bearer"}
        document["components"]["securitySchemes"] = schemes


REFERENCE = "#/components/schemas/{model}"


def answer_schema(model: ServedModel | None) -> Schema:
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


def _label_schema(model: ServedModel | None) -> Schema:
    if model is None:
        return {}
    target = model.task.columns[model.task.target] if model.task else None
    unit = f" [{target.unit}]" if target and target.unit else ""
    described = {"description": f"{target.description}{unit}".strip()} if target else {}
    labels = model.classes or getattr(model.pipeline, "classes_", None)
    if labels is None:
        return {"type": "number"} | described
    return {"enum": [getattr(label, "item", lambda label=label: label)() for label in labels]} | (
        described
    )


def _record_schema(follower: Follower, loaded: Loaded | None) -> Schema:
    if loaded is None:
        return {
            "type": "object",
            "description": f"Known when a version is promoted: `rookery promote {follower.name}`.",
        }
    schema = loaded.reader.schema()
    task = loaded.model.task
    title = task.title if task and task.title else follower.name
    return schema | {"title": f"A record of {title}", "examples": [loaded.reader.example()]}


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
