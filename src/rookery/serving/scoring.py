"""The endpoints of other servers' protocols, so that their clients can ask us unchanged."""

import time

from starlette.types import Receive

from rookery.core.records import Row
from rookery.serving.asking import Asking
from rookery.serving.front import JSON, Answer, Headers
from rookery.serving.lineage import answering
from rookery.serving.predictions import checked
from rookery.serving.protocols import invocations, open_inference


class Invocations:
    """Predictions in MLflow's scoring protocol; `X-Model-Version` names the version."""

    body_of = staticmethod(invocations.problem_body)

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    async def __call__(self, headers: Headers, receive: Receive) -> Answer:
        asking, started = self.asking, time.perf_counter()
        loaded = answering(asking.follower)
        body = await asking.body(headers, receive)
        one, texts = loaded.description, _texts(headers)

        def read() -> list[Row]:
            given = invocations.parse_invocations(
                body, texts, one.fields, one.ignored, asking.most_rows
            )
            return checked(loaded, given)

        rows = await asking.off_loop(read, len(body))
        answered = await asking.many(loaded, rows, receive, started)
        version = (b"x-model-version", one.version.encode())
        body = invocations.render_predictions(answered.outcome.labels)
        return Answer(body, (*JSON, version))


class Infer:
    """Predictions in the Open Inference Protocol, by the version that a path may name."""

    body_of = staticmethod(open_inference.problem_body)

    def __init__(self, asking: Asking, version: str | None = None) -> None:
        self.asking = asking
        self.version = version

    async def __call__(self, headers: Headers, receive: Receive) -> Answer:
        asking, started = self.asking, time.perf_counter()
        loaded = answering(asking.follower)
        one, texts = loaded.description, _texts(headers)
        open_inference.check_version(self.version, one.version, one.name)
        body = await asking.body(headers, receive)

        def read() -> tuple[open_inference.InferRequest, list[Row]]:
            request = open_inference.parse_infer(
                body, texts, one.fields, one.ignored, asking.most_rows, scores=bool(one.classes)
            )
            return request, checked(loaded, request.given)

        request, rows = await asking.off_loop(read, len(body))
        answered = await asking.many(loaded, rows, receive, started)

        def write() -> open_inference.Rendered:
            outcome = answered.outcome
            said = (outcome.labels, outcome.scores, answered.numbers)
            return open_inference.render_infer(request, *said, name=one.name, version=one.version)

        rendered = await asking.off_loop(write, len(body))
        sent = {"content-type": rendered.media_type} | rendered.headers
        pairs = tuple((name.lower().encode(), value.encode()) for name, value in sent.items())
        return Answer(rendered.body, pairs)


def _texts(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
