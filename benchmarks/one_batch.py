"""One batch of houses in a fresh process: what `rookery run` does, step by step on the clock."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from measuring import peak_mb

STEPS = ("load_next", "clean", "_decide", "sweep", "promote")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="clean all batches anew instead")
    given = parser.parse_args()
    print(json.dumps(again() if given.again else one(given.jobs)))


def one(jobs: int) -> dict[str, Any]:
    from rookery.jobs.batches import running

    taken: dict[str, float] = {}
    for step in STEPS:
        setattr(running, step, on_the_clock(taken, step, getattr(running, step)))
    started = time.perf_counter()
    done = running.run_batches("houses", jobs=jobs)
    if done.ended is not None:
        raise SystemExit(f"there is no further batch: {done.ended}")
    entry = done.batches[0].entry
    return taken | {
        "seconds": time.perf_counter() - started,
        "peak_mb": peak_mb(),
        "number": entry.number,
        "rows": entry.rows,
        "decision": entry.decision,
        "unseen": entry.unseen_share,
        "version": entry.model_version,
    }


def again() -> dict[str, Any]:
    """All batches cleaned anew, as after a change of the task's rules."""
    from rookery.jobs.clean import clean
    from rookery.jobs.project import open_project

    project = open_project("houses")
    project.audit.update({entry.position: {"rules": "old"} for entry in project.audit.entries()})
    started = time.perf_counter()
    found = clean("houses")
    taken = time.perf_counter() - started
    return {"clean": taken, "rows": found.raw, "kept": found.clean, "peak_mb": peak_mb()}


def on_the_clock(
    taken: dict[str, float], step: str, call: Callable[..., Any]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            taken[step] = time.perf_counter() - started

    return timed


if __name__ == "__main__":
    main()
