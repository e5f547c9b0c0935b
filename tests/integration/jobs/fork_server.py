"""Reads orders, one JSON object a line, and forks a process for each: real ones, quickly started.

An order names a function of `rookery`, its arguments, the environment, and a method (class and
name) at which the process dies as by `kill -9`, or pauses until it is killed.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

# the jobs are imported once, for all the processes
import rookery as rk
import rookery.jobs.promote
import rookery.jobs.run
import rookery.jobs.status
import rookery.jobs.sweep
from rookery.errors import RookeryError
from rookery.settings import get_settings
from rookery.stores import audit, bodies, ledger, replacement, streams, tables, tracking

CLASSES = {
    "Ledger": ledger.Ledger,
    "Tracking": tracking.Tracking,
    "Tables": tables.Tables,
    "Replacement": tables.Replacement,
    "Addition": replacement.Addition,
    "BatchAudit": audit.BatchAudit,
    "Bodies": bodies.Bodies,
    "Arrival": streams.Arrival,
}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children are not kept as zombies
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(json.loads(line))
        print(pid, flush=True)


def run(order: dict[str, Any]) -> None:
    """Does what is ordered, writes the answer, and ends the process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    get_settings.cache_clear()
    if order["die"]:
        replace(*order["die"], lambda *_args, **_named: os._exit(9))
    if order["pause"]:
        replace(*order["pause"], lambda *_args, **_named: time.sleep(600))
    answer = [attempt(order) for _ in range(order["repeat"])][-1]
    unfinished = Path(f"{order['out']}.part")
    unfinished.write_text(json.dumps(answer, default=str), encoding="utf-8")
    unfinished.rename(order["out"])
    os._exit(0)


def replace(owner: str, method: str, instead: Any) -> None:
    assert hasattr(CLASSES[owner], method)
    setattr(CLASSES[owner], method, instead)


def attempt(order: dict[str, Any]) -> dict[str, Any]:
    try:
        result = getattr(rk, order["call"])(**order["arguments"])
    except RookeryError as error:
        return {"error": error.as_dict()}
    except Exception as error:
        return {"crash": f"{type(error).__name__}: {error}"}
    plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
    return {"result": plain}


if __name__ == "__main__":
    main()
