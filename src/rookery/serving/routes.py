"""What a served model is asked besides predictions; mounted at the root and below its name."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request

from rookery.serving.answers import History, ModelCard, Ready, Reloaded, Reloads
from rookery.serving.daemons import in_daemon
from rookery.serving.keys import check_admin
from rookery.serving.lineage import answering, history, model_card, readiness
from rookery.serving.looks import Look
from rookery.serving.problems import Problem, ProblemError, from_error, refusals
from rookery.serving.shadow.shadow import Shadow
from rookery.serving.swap import Follower
from rookery.settings import Settings


class ModelRoutes:
    """Builds the router of one model. `reloads` are the followers that its /reload asks."""

    def __init__(
        self,
        follower: Follower,
        settings: Settings,
        reloads: Sequence[Follower],
        shadow: Shadow | None = None,
    ) -> None:
        self.follower = follower
        self.shadow = shadow
        self.settings = settings
        self.reloads = reloads
        self._history_slots = asyncio.Semaphore(2)

    def router(self) -> APIRouter:
        router = APIRouter(tags=[self.follower.name])
        add = router.add_api_route
        add("/ready", self.ready, response_model=Ready, responses=refusals(503))
        add("/model", self.model, response_model=ModelCard, responses=refusals(503))
        add("/model/versions", self.versions, response_model=History, responses=refusals(404, 503))
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

    async def model(self) -> ModelCard:
        """Where the answers of the loaded version come from."""
        return model_card(answering(self.follower), self.shadow)

    async def versions(self) -> History:
        """All versions in the registry and all attempts to promote one."""
        async with self._history_slots:
            return await asyncio.wrap_future(in_daemon(lambda: history(self.follower)))

    async def reload(self, request: Request) -> Reloads:
        """Looks at the registry now, instead of within RELOAD_SECONDS."""
        check_admin(dict(request.headers.raw), self.settings.api_admin_token)
        looks = await asyncio.gather(
            *(asyncio.wrap_future(follower.reload()) for follower in self.reloads)
        )
        named = list(zip(self.reloads, looks, strict=True))
        _raise_failures(named)
        return Reloads(models=[_reloaded(follower, look) for follower, look in named])


def _reloaded(follower: Follower, look: Look) -> Reloaded:
    loaded = follower.loaded
    version = loaded.description.version if loaded else None
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
