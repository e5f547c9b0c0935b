"""Plain requests to /predict, answered by the connection itself.

A task, an ASGI scope and a future for each request cost more than its prediction. What is not
plain (another header than usual, a body that comes in parts, a record to look at closely) goes the
way of all others, from the beginning: until its rows wait, a request has left nothing behind.
"""

import time
from collections.abc import Sequence

from rookery.serving.asking import why_none
from rookery.serving.batching import Ask, Gone, Overloaded
from rookery.serving.connections import Direct
from rookery.serving.front import JSON, refused
from rookery.serving.hosts import KnownHosts
from rookery.serving.loaded import Loaded
from rookery.serving.predictions import PredictOne, answer_of
from rookery.serving.predictor.interface import Outcome

MOST_DIGITS = 4  # of the length of a body
# what they ask for is looked at elsewhere
NOT_PLAIN = frozenset(
    {b"authorization", b"content-encoding", b"transfer-encoding", b"x-api-key", b"x-request-id"}
)


class DirectOne:
    """As `PredictOne`, for plain requests by a name that was let in before."""

    def __init__(self, one: PredictOne, path: str, hosts: KnownHosts) -> None:
        self.one = one
        self.asking = one.asking
        self.path = path
        self.hosts = hosts

    def takes(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        is_json = has_length = is_known = False
        for name, value in headers:
            if name == b"host":
                if not self.hosts.knows(value):
                    return False
                is_known = True
            elif name == b"content-type":
                if value != b"application/json":
                    return False
                is_json = True
            elif name == b"content-length":
                has_length = len(value) <= MOST_DIGITS
            elif name in NOT_PLAIN:
                return False
        return is_json and has_length and is_known

    def ask(self, request: Direct) -> bool:
        loaded = self.asking.follower.loaded
        if loaded is None:
            return False
        row = loaded.reader.row(request.body)
        if row is None:
            return False

        def deliver(outcome: Outcome | Exception) -> None:
            self._answer(request, loaded, outcome)

        try:
            self.asking.batcher.put(Ask(loaded, [row], deliver, request.is_gone))
        except Overloaded:
            return False
        return True

    def _answer(self, request: Direct, loaded: Loaded, outcome: Outcome | Exception) -> None:
        status, headers = 200, JSON
        try:
            body = self._said(request, loaded, outcome)
        except Exception as error:
            status, answer = refused(error, self.one, self.path)
            body, headers = answer.body, answer.headers
        request.respond(status, headers, body)
        seconds = time.perf_counter() - request.started
        self.hosts.observed.request("POST", self.path, status, seconds, None)

    def _said(self, request: Direct, loaded: Loaded, outcome: Outcome | Exception) -> bytes:
        if isinstance(outcome, Gone | ValueError):
            raise why_none(loaded, outcome)
        if isinstance(outcome, Exception):
            raise outcome
        return answer_of(self.asking, loaded, outcome, request.body, request.started)
