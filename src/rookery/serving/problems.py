"""Every error as RFC 9457 `application/problem+json`; nothing of ours leaves as a trace."""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery.core.records import Fault
from rookery.errors import InputError, RookeryError, Unavailable

MEDIA_TYPE = "application/problem+json"
LIST = "GET /docs lists what there is"
MOST_ERRORS = 100
MOST_CHARACTERS = 500
logger = logging.getLogger(__name__)


class ProblemError(BaseModel):
    """One thing that is wrong with one field."""

    field: str | None = None
    value: Any = Field(default=None, description="What was sent, cut when it is long.")
    allowed: Any = None
    message: str


class ProblemDetails(BaseModel):
    """The body of every answer that is not a success (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = []
    next: str | None = Field(default=None, description="The command or request that goes on.")


class Problem(Exception):
    """An answer that is not a success; raised anywhere below a request."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[ProblemError] = (),
        next: str | None = None,  # noqa: A002 - the contract's word
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.details = ProblemDetails(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=_cut(detail),
            errors=list(errors),
            next=next,
        )
        self.headers = headers or {}

    def body(self, **members: Any) -> bytes:
        """As JSON, with further members that a protocol's clients look for."""
        return to_json(self.details.model_dump(exclude_none=True) | members)

    def response(self, **members: Any) -> Response:
        return Response(self.body(**members), self.details.status, self.headers, MEDIA_TYPE)

    def response_to(self, request: Request) -> Response:
        """Clients of the Open Inference Protocol show `error` and nothing else."""
        is_v2 = f"{request.url.path}/".startswith("/v2/")
        return self.response(**({"error": self.details.detail} if is_v2 else {}))


def not_taken(path: str, method: str, headers: dict[str, str] | None = None) -> Problem:
    """405 for a path that is there, but not for this method."""
    return Problem(405, f"{path} does not take {method}", headers=headers, next=LIST)


def unexpected() -> Problem:
    """500, of which nothing but the server's log knows more."""
    return Problem(500, "an unexpected error; the server's log has it")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route is documented to answer besides its success."""
    said = {
        400: "Not parsable",
        401: "Wrong or missing key",
        403: "No admin token is set on the server",
        404: "No such model, version or prediction",
        408: "The body came too slowly",
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


def invalid(faults: Sequence[Fault], *, complete: bool = True) -> Problem:
    """422 with what is wrong with each field; not `complete` where the search stopped early."""
    count = len(faults)
    errors = [
        ProblemError(
            field=_cut(fault.field),
            value=fault.value,
            allowed=_cut(fault.allowed),
            message=_cut(fault.message),
        )
        for fault in faults[:MOST_ERRORS]
    ]
    least = "" if complete else "at least "
    more = f" (and {least}{count - 1} more)" if count > 1 else ""
    return Problem(422, f"{errors[0].message}{more}", errors=errors)


def from_error(error: RookeryError, status: int | None = None) -> Problem:
    """An error of the registry, the ledger or a model, as the one who asked may see it.

    What is wrong with our own settings is not the client's input: it reads as unavailable.
    """
    if status is None:
        status = Unavailable.status if isinstance(error, InputError) else error.status
    shown = ProblemError(
        field=error.field,
        value=_public(error.value),
        allowed=_public(error.allowed),
        message=public_message(error),
    )
    return Problem(status, shown.message, errors=[shown], next=error.next)


def public_message(error: RookeryError) -> str:
    """The message, without user and password of an address in it."""
    return _cut(str(_public(error.message)))


def install(app: FastAPI) -> None:
    """Turns every exception that reaches the application into a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RookeryError, _rookery)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _request)
    app.add_exception_handler(ClientDisconnect, _disconnect)
    app.add_middleware(UnexpectedErrors)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response_to(request)


async def _rookery(request: Request, error: Exception) -> Response:
    assert isinstance(error, RookeryError)
    return from_error(error).response_to(request)


async def _http(request: Request, error: Exception) -> Response:
    """What the router says: no such path, no such method."""
    assert isinstance(error, HTTPException)
    headers, path = dict(error.headers or {}), request.scope["path"]
    if error.status_code == 405:
        problem = not_taken(path, request.method, headers)
    elif error.status_code == 404:
        problem = Problem(404, f"there is nothing at {path}", headers=headers, next=LIST)
    else:
        problem = Problem(error.status_code, str(error.detail), headers=headers)
    return problem.response_to(request)


async def _request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(".".join(map(str, found["loc"])), None, "what /docs says", found["msg"])
        for found in error.errors()
    ]
    return invalid(faults).response_to(request)


async def _disconnect(_request: Request, _error: Exception) -> Response:
    """The client went away while it sent its body: nobody reads this, the metric counts it."""
    return Problem(400, "the request ended before its body did").response()


class UnexpectedErrors:
    """ASGI middleware for what nothing else caught: logged here, a bare 500 outside.

    An exception that reached the server would close the connection under the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            if scope["type"] != "http" or started:  # too late for another answer
                raise
            # the path as %r: a line end in it would start a line of the client's own
            logger.exception("%s %r failed", scope["method"], scope["path"])
            await unexpected().response()(scope, receive, send)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _public(value: Any) -> Any:
    return re.sub(r"//[^/@\s]*@", "//", value) if isinstance(value, str) else value
