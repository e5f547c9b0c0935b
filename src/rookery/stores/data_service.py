"""Requests to a data service, until an answer is whole on the disk."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import requests

from rookery.core.sections import Batches
from rookery.errors import InputError, Unavailable
from rookery.stores.bodies import Bodies

CONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 20.0
BLOCK = 1 << 20
MOST_DETAIL_BYTES = 1 << 16


class _Failed(Exception):
    """Worth another attempt."""


class DataService:
    """`GET /data` and `GET /restart_data_generation` of one group.

    `troubled` says that an answer may have been lost since the last restart, be it by a process
    before this one; `ending` is what the service said when all was handed out.
    """

    def __init__(self, batches: Batches, url: str, bodies: Bodies) -> None:
        self.address = url.rstrip("/")
        self.ending = ""
        self.troubled = bodies.in_doubt
        self._bodies, self._attempts = bodies, batches.attempts
        self._timeout = (CONNECT_SECONDS, batches.wait_seconds)
        self._asked = {"group_number": str(batches.group)}
        self._asked |= {"day": batches.day} if batches.day else {}

    def fetch(self) -> Path | None:
        """The next answer, whole; None when all is handed out.

        Raises:
            Unavailable: no whole answer in so many attempts. InputError: the service refuses.
        """
        self._bodies.ask()
        body = self._insist("/data", self._keep)
        if body is None and not self.troubled:
            self._bodies.settle()
        return body

    def restart(self) -> None:
        """Lets the group begin at its first batch again.

        Raises:
            Unavailable: no answer in so many attempts. InputError: the service refuses.
        """
        self._insist("/restart_data_generation", _no_body)
        self.troubled = False
        self._bodies.settle()

    def lost(self) -> None:
        """The last answer was none, although it came whole: the service has gone on."""
        self.troubled = True
        self._bodies.ask()

    def unavailable(self, said: str) -> Unavailable:
        return Unavailable(
            f"the data service at {self.address} gives no batch: {said}",
            field="SOURCE_BATCHES_URL",
            value=self.address,
            allowed="the address of a data service that runs",
            next=f"curl '{self.address}/health'",
        )

    def _insist(self, path: str, take: Callable[[requests.Response], Path | None]) -> Path | None:
        said = ""
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS))
            try:
                return self._get(path, take)
            except (_Failed, requests.RequestException) as error:
                self.troubled, said = True, f"{type(error).__name__}: {error}"[:300]
        raise self.unavailable(f"{self._attempts} attempts failed, the last with {said}")

    def _get(self, path: str, take: Callable[[requests.Response], Path | None]) -> Path | None:
        asked = self.address + path
        with requests.get(asked, self._asked, stream=True, timeout=self._timeout) as response:
            status = response.status_code
            if status >= 500 or status == 429:
                raise _Failed(f"it answers {status}")
            detail = "" if response.ok else _detail(response)
            if status == 400 and detail and take == self._keep:
                self.ending = detail
                return None
            if not response.ok:
                raise InputError(
                    f"the data service refuses {asked}: it answers {status} {detail}".rstrip(),
                    field="source.batches",
                    value=str(self._asked),
                    allowed="an address, group and day that the service knows",
                )
            return take(response)

    def _keep(self, response: requests.Response) -> Path:
        return self._bodies.store(response.iter_content(BLOCK))


def _no_body(response: requests.Response) -> None:
    """All that was wanted is that it answers."""


def _detail(response: requests.Response) -> str:
    """What FastAPI and its like say of an error; nothing where it is another page."""
    try:
        said = json.loads(response.raw.read(MOST_DETAIL_BYTES, decode_content=True))["detail"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(said)[:300]
