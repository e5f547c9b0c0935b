"""A data service that hands out listings of houses in batches, one after the other to each group.

Settings: DATA_API_SHARE of the rows of each batch (1.0), DATA_API_SEED (42), DATA_API_STATE, the
file with the cursors, DATA_API_FORM of the rows (`objects` or `lists`), DATA_API_FAULTS to order
and DATA_API_SLOW_SECONDS. Faults are `error@1,cut@3,slow@4,repeat@5`: each befalls the first answer
to a group with that batch; `?fault=cut` befalls that one answer.
"""

import asyncio
import os
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

from cursors import Cursors
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import Response
from listings import BATCHES, listings, lists, records
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

Fault = Literal["slow", "error", "cut", "repeat"]
Group = Annotated[int, Query(ge=0, le=9_999)]
ENDED = "All batches are handed out; /restart_data_generation begins again."


def setting(name: str, default: str) -> str:
    return os.environ.get(f"DATA_API_{name}") or default


def ordered_faults(text: str) -> dict[int, Fault]:
    """`error@1,cut@3` as faults by batch number.

    Raises:
        ValueError: something else is written there.
    """
    found: dict[int, Fault] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        kind, _, number = part.partition("@")
        if kind not in ("slow", "error", "cut", "repeat") or not number.isdigit():
            raise ValueError(f"DATA_API_FAULTS={text!r}: {part!r} is not slow|error|cut|repeat@N")
        found[int(number)] = kind  # type: ignore[assignment]
    return found


SHARE = float(setting("SHARE", "1.0"))
SEED = int(setting("SEED", "42"))
FORM = setting("FORM", "objects")
SLOW_SECONDS = float(setting("SLOW_SECONDS", "5"))
FAULTS = ordered_faults(setting("FAULTS", ""))
if not 0 < SHARE <= 1 or FORM not in ("objects", "lists"):
    raise ValueError("DATA_API_SHARE is above 0, up to 1; DATA_API_FORM is objects or lists")

app = FastAPI(title="Listings in batches", docs_url=None, redoc_url=None)
cursors = Cursors(Path(setting("STATE", "cursors.db")))
befallen: set[tuple[int, int]] = set()  # group and batch
making = Lock()


class CutOff(Response):
    """Half of what its Content-Length announces; then the server ends the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        half = bytes(self.body)[: len(self.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})


@lru_cache(maxsize=1)
def rows_as_json(number: int) -> tuple[bytes, ...]:
    """The rows of a batch in parts, each a JSON list without its brackets."""
    table = listings(number, SEED, SHARE)
    parts = records(table) if FORM == "objects" else lists(table)
    return tuple(to_json(part)[1:-1] for part in parts)


def body_of(group: int, number: int) -> bytes:
    with making:  # one at a time: a batch takes half a gigabyte to make
        rows = b",".join(rows_as_json(number))
    head = f'{{"group_number":{group},"batch_number":{number},"data":['
    return b"".join((head.encode(), rows, b"]}"))


@app.get("/data")
async def data(group_number: Group, day: str = "", fault: Fault | None = None) -> Response:
    """The next batch of the group; 400 when all is handed out."""
    del day  # taken because clients send it
    number = cursors.peek(group_number)
    fault = fault or due_fault(group_number, number)
    if fault == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if fault != "repeat" or number >= len(BATCHES):
        taken = cursors.advance(group_number, len(BATCHES))
        if taken is None:
            raise HTTPException(400, ENDED)
        number = taken
    if fault == "error":
        raise HTTPException(500, "This error was ordered.")
    body = await asyncio.to_thread(body_of, group_number, number)
    kind = CutOff if fault == "cut" else Response
    return kind(body, media_type="application/json")


def due_fault(group: int, number: int) -> Fault | None:
    """The ordered fault, once for each group."""
    if number not in FAULTS or (group, number) in befallen:
        return None
    befallen.add((group, number))
    return FAULTS[number]


@app.get("/restart_data_generation")
def restart_data_generation(group_number: Group, day: str = "") -> dict[str, Any]:
    """Lets the group begin at its first batch again."""
    del day
    cursors.restart(group_number)
    return {"ok": True, "group_number": group_number}


@app.get("/health")
def health() -> dict[str, Any]:
    """Whether cursors can be read, and what is handed out."""
    cursors.peek(0)
    return {"status": "ok", "batches": len(BATCHES), "share": SHARE, "seed": SEED}
