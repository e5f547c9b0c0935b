"""Where an answer came from, and what turned out to be true of it."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from rookery.serving.answers import Feedback, FeedbackTaken, PredictionCard
from rookery.serving.bodies import read_body, read_json, require_json
from rookery.serving.daemons import in_daemon
from rookery.serving.front import Headers
from rookery.serving.ids import is_id
from rookery.serving.judged import Judges
from rookery.serving.keys import ApiKey
from rookery.serving.prediction_log.log import PredictionLog
from rookery.serving.problems import Problem, refusals
from rookery.serving.swap import Follower
from rookery.settings import Settings

if TYPE_CHECKING:  # SQLAlchemy, which a warm start does not wait for
    from rookery.stores.predictions import Prediction

MOST_AT_A_TIME = 4
TAG = "predictions"


class PredictionRoutes:
    """Reads the prediction log and adds to it; not for the event loop, so in threads."""

    def __init__(
        self,
        followers: Mapping[str, Follower],
        settings: Settings,
        log: PredictionLog | None,
        judges: Judges,
    ) -> None:
        self.followers = followers
        self.judges = judges
        self.settings = settings
        self.log = log
        self.key = ApiKey(settings.api_key)
        self._slots = asyncio.Semaphore(MOST_AT_A_TIME)

    def router(self) -> APIRouter:
        router = APIRouter(tags=[TAG])
        refused = refusals(401, 404, 503)
        router.add_api_route(
            "/predictions/{number}", self.read, response_model=PredictionCard, responses=refused
        )
        router.add_api_route(
            "/feedback",
            self.take,
            methods=["POST"],
            status_code=201,
            response_model=FeedbackTaken,
            responses=refused | refusals(400, 408, 413, 415, 422),
            openapi_extra={"requestBody": _body_of(Feedback)},
        )
        return router

    async def read(self, number: str, request: Request) -> PredictionCard:
        """A logged answer and its lineage: version, run, rows it learnt from, commit."""
        self._check(dict(request.headers.raw))
        async with self._slots:
            return await asyncio.wrap_future(in_daemon(lambda: self._card(number)))

    async def take(self, request: Request) -> FeedbackTaken:
        """Attaches what turned out to be true to an answer; nothing is replaced."""
        headers = dict(request.headers.raw)
        self._check(headers)
        require_json(headers)
        # FastAPI would read any amount of it, and before the key is looked at
        body = await read_body(headers, request.receive, self.settings.api_max_body_bytes)
        feedback = _feedback(body)
        async with self._slots:
            await asyncio.wrap_future(in_daemon(lambda: self._add(feedback)))
        return FeedbackTaken(id=feedback.id)

    def _check(self, headers: Headers) -> None:
        self.key.check(headers)
        if self.log is None:
            raise Problem(
                404, "predictions are not logged: PREDICTION_LOG is off", next="PREDICTION_LOG=on"
            )

    def _card(self, number: str) -> PredictionCard:
        found = self._found(number)
        card = PredictionCard(
            id=found.id,
            at=found.at,
            model=found.model,
            version=found.version,
            input=found.input,
            output=found.output,
            latency_seconds=found.latency_seconds,
        )
        follower = self.followers.get(found.model)
        return card.model_copy(update=follower.lineage(found.version)) if follower else card

    def _found(self, number: str) -> "Prediction":
        from rookery.serving.prediction_log.reading import find_prediction

        assert self.log is not None
        if not is_id(number):
            raise _unknown(number)
        found = find_prediction(self.log.find, self.settings.tables_url, number)
        if found is None:
            raise _unknown(number)
        return found

    def _add(self, feedback: Feedback) -> None:
        from rookery.stores.database import connect
        from rookery.stores.locks import create_missing
        from rookery.stores.predictions import METADATA, add_feedback

        found = self._found(feedback.id)
        engine = connect(self.settings.tables_url)
        create_missing(engine, METADATA)  # the prediction may still be waiting to be the first
        add_feedback(
            engine,
            feedback.id,
            feedback.outcome,
            feedback.note,
            datetime.now(UTC),
            who="api",
        )
        self.judges.judge(found, feedback.outcome)


def _unknown(number: str) -> Problem:
    return Problem(404, f"there is no prediction {number!r}")


def _feedback(body: bytes) -> Feedback:
    found = read_json(body)
    try:
        return Feedback.model_validate(found)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {"required": True, "content": {"application/json": {"schema": schema}}}
