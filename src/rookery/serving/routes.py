"""The endpoints of one served model; mounted at the root and below its name."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from rookery.serving.answering import answer_many, answer_one
from rookery.serving.answers import History, ModelCard, Ready, Reloaded, Reloads
from rookery.serving.bodies import read_body
from rookery.serving.keys import check_admin, check_api_key
from rookery.serving.lineage import answering, history, model_card, readiness
from rookery.serving.metrics import Metrics
from rookery.serving.problems import MEDIA_TYPE, Problem, ProblemError, from_error
from rookery.serving.swap import Follower, Loaded, Look
from rookery.settings import Settings

Answer = TypeVar("Answer")
JSON = "application/json"


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented problems of a route."""
    said = {
        400: "Not parsable",
        401: "Wrong or missing key",
        403: "No admin token is set on the server",
        409: "The version that the registry names is refused",
        413: "Too large",
        415: "Not application/json",
        422: "A value that is not allowed",
        503: "Nothing can answer yet, or a part outside does not",
    }
    return {
        status: {
            "description": said[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in statuses
    }


class ModelRoutes:
    """Builds the router of one model. `reloads` are the followers that its /reload asks."""

    def __init__(
        self,
        follower: Follower,
        settings: Settings,
        metrics: Metrics,
        executor: Executor,
        reloads: Sequence[Follower],
    ) -> None:
        self.follower = follower
        self.settings = settings
        self.metrics = metrics
        self.executor = executor
        self.reloads = reloads
        self._history_slots = asyncio.Semaphore(2)

    def router(self) -> APIRouter:
        router = APIRouter(tags=[self.follower.name])
        add = router.add_api_route
        add("/ready", self.ready, response_model=Ready, responses=refusals(503))
        asked = refusals(400, 401, 413, 415, 422, 503)
        for path, endpoint in (("/predict", self.predict), ("/predict/batch", self.predict_batch)):
            add(path, endpoint, methods=["POST"], response_class=Response, responses=asked)
        add("/model", self.model, response_model=ModelCard, responses=refusals(503))
        add("/model/versions", self.versions, response_model=History, responses=refusals(503))
        add(
            "/reload",
            self.reload,
            methods=["POST"],
            response_model=Reloads,
            responses=refusals(401, 403, 409, 503),
        )
        return router

    async def ready(self) -> Ready:
        """Whether a model answers, and which."""
        return readiness(self.follower)

    async def predict(self, request: Request) -> Response:
        """One record in, one prediction out."""
        loaded, body = await self._asked(request)
        answer = await self._in_thread(lambda: answer_one(loaded, body))
        self.metrics.count_predictions(loaded.model, 1)
        return Response(answer, media_type=JSON)

    async def predict_batch(self, request: Request) -> Response:
        """Many records in, as many predictions out, in the same order and by the same version."""
        loaded, body = await self._asked(request)
        most = self.settings.api_max_rows
        answer, rows = await self._in_thread(lambda: answer_many(loaded, body, most))
        self.metrics.count_predictions(loaded.model, rows)
        return Response(answer, media_type=JSON)

    async def model(self) -> ModelCard:
        """Where the answers of the loaded version come from."""
        return model_card(answering(self.follower))

    async def versions(self) -> History:
        """All versions in the registry and all attempts to promote one."""
        async with self._history_slots:
            return await asyncio.wrap_future(_in_daemon(lambda: history(self.follower)))

    async def reload(self, request: Request) -> Reloads:
        """Looks at the registry now, instead of within RELOAD_SECONDS."""
        check_admin(request, self.settings.api_admin_token)
        looks = await asyncio.gather(
            *(asyncio.wrap_future(follower.reload()) for follower in self.reloads)
        )
        named = list(zip(self.reloads, looks, strict=True))
        _raise_failures(named)
        return Reloads(models=[_reloaded(follower, look) for follower, look in named])

    async def _asked(self, request: Request) -> tuple[Loaded, bytes]:
        check_api_key(request, self.settings.api_key)
        loaded = answering(self.follower)
        return loaded, await read_body(request, self.settings.api_max_body_bytes)

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)


def _reloaded(follower: Follower, look: Look) -> Reloaded:
    loaded = follower.loaded
    version = loaded.model.version if loaded else None
    return Reloaded(model=follower.name, outcome=look.outcome, version=version)


def _raise_failures(looks: Sequence[tuple[Follower, Look]]) -> None:
    """A reload that did not do what was asked is not a success, whatever keeps serving."""
    failures = [(follower, look.failure) for follower, look in looks if look.failure]
    if not failures:
        return
    first = from_error(failures[0][1].error)
    raise Problem(
        first.details.status,
        first.details.detail,
        errors=[
            ProblemError(
                field=follower.name,
                value=failure.version,
                allowed=failure.error.allowed,
                message=from_error(failure.error).details.detail,
            )
            for follower, failure in failures
        ],
        next=first.details.next,
    )


def _in_daemon(work: Callable[[], Answer]) -> "Future[Answer]":
    """Runs what may hang on a server outside in a thread that the end of the process ignores."""
    future: Future[Answer] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
