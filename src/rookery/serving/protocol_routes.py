"""What clients of other servers' protocols ask besides predictions."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

import rookery
from rookery.serving.asking import Asking
from rookery.serving.lineage import answering
from rookery.serving.problems import MEDIA_TYPE, Problem, refusals
from rookery.serving.protocol_schema import infer_answer, infer_body
from rookery.serving.protocols import invocations, open_inference
from rookery.serving.scoring import Infer

MLFLOW, V2 = "MLflow's scoring protocol", "Open Inference Protocol"
Models = Mapping[str, Asking]


def protocol_routes(models: Models) -> APIRouter:
    """The routes of both protocols; the first model answers where none is named."""
    router = APIRouter()
    for add in (_add_mlflow, _add_server, _add_models, _add_infer):
        add(router, models)
    return router


def _named(models: Models, name: str) -> Asking:
    if name not in models:
        raise Problem(404, f"there is no model {name!r}; there is {', '.join(models)}")
    return models[name]


def _add_mlflow(router: APIRouter, models: Models) -> None:
    first = next(iter(models.values()))

    @router.get("/ping", tags=[MLFLOW], responses=refusals(503), response_class=Response)
    async def ping() -> Response:
        """200 while a model answers."""
        answering(first.follower)
        return Response(invocations.PING, media_type="application/json")

    @router.get("/version", tags=[MLFLOW], response_class=Response)
    async def version() -> Response:
        """The version of MLflow whose protocol this is."""
        return Response(invocations.PROTOCOL_VERSION, media_type="application/json")


def _add_server(router: APIRouter, models: Models) -> None:
    @router.get("/v2", tags=[V2])
    async def server_metadata() -> dict[str, Any]:
        """This server and what it can."""
        return open_inference.server_metadata(rookery.__version__)

    @router.get("/v2/health/live", tags=[V2])
    async def live() -> dict[str, bool]:
        """200 while the process lives."""
        return {"live": True}

    @router.get("/v2/health/ready", tags=[V2], responses=refusals(503))
    async def ready() -> dict[str, bool]:
        """200 while every model answers."""
        for asking in models.values():
            answering(asking.follower)
        return {"ready": True}


def _add_models(router: APIRouter, models: Models) -> None:
    @router.get("/v2/models/{name}", tags=[V2], responses=refusals(404, 503))
    @router.get("/v2/models/{name}/versions/{number}", tags=[V2], responses=refusals(404, 503))
    async def model_metadata(name: str, number: str | None = None) -> dict[str, Any]:
        """The tensors that a model takes and gives."""
        one = answering(_named(models, name).follower).description
        open_inference.check_version(number, one.version, name)
        labels = one.classes or one.labels or (0.0,)
        return open_inference.model_metadata(
            name, one.version, one.fields, labels, scores=bool(one.classes)
        )

    @router.get("/v2/models/{name}/ready", tags=[V2], responses=refusals(404, 503))
    @router.get(
        "/v2/models/{name}/versions/{number}/ready", tags=[V2], responses=refusals(404, 503)
    )
    async def model_ready(name: str, number: str | None = None) -> dict[str, Any]:
        """200 while that version answers."""
        one = answering(_named(models, name).follower).description
        open_inference.check_version(number, one.version, name)
        return {"name": name, "ready": True}


def _add_infer(router: APIRouter, models: Models) -> None:
    @router.post(
        "/v2/models/{name}/versions/{number}/infer",
        tags=[V2],
        response_class=Response,
        responses=refusals(400, 401, 404, 408, 413, 415, 422, 503) | {200: infer_answer()},
        openapi_extra={"requestBody": infer_body(None)},
    )
    async def infer(name: str, number: str, request: Request) -> Response:
        """Predictions by the version that is named; by any at /v2/models/{name}/infer."""
        endpoint = Infer(_named(models, name), number)
        try:
            answer = await endpoint(dict(request.headers.raw), request.receive)
        except Problem as problem:
            body = endpoint.body_of(problem)
            return Response(body, problem.details.status, problem.headers, MEDIA_TYPE)
        headers = {key.decode(): value.decode() for key, value in answer.headers}
        return Response(answer.body, headers=headers)
