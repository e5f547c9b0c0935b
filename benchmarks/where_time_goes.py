"""One sweep of ours in a fresh process, with a stopwatch on its parts, as a line of JSON.

A part's time is that of the process that logs; the fits run in others at the same time.
"""

import argparse
import re
import time
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from typing import Any

import requests
from measuring import tell, timed

# their functions are replaced by watched ones
sweep_job: Any = import_module("rookery.jobs.sweep")
candidate_runs: Any = import_module("rookery.jobs.candidate_runs")
# what in an address is one thing's own
IDENT = re.compile(r"(?<=/)(m-)?[0-9a-f]{32}(?=/|$)|(?<=experiments/)\d+|(?<=artifacts/)\d+(?=/)")
Spent = dict[str, list[float]]


def watched(call: Callable[..., Any], label: str, spent: Spent) -> Callable[..., Any]:
    @wraps(call)
    def stopped(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*given, **named)
        finally:
            spent.setdefault(label, []).append(time.perf_counter() - started)

    return stopped


def watch_parts(spent: Spent) -> None:
    """Names are those that the sweep calls by, so that nothing else is counted."""
    for owner, name, label in (
        (sweep_job, "_start", "start: rows, template, snapshot"),
        (sweep_job, "log_candidate", "a candidate's run, model and files logged"),
        (candidate_runs, "fill_template", "of that: the model's folder written"),
        (sweep_job, "log_plots", "the winner's pictures"),
        (sweep_job, "_register", "gate and registration"),
    ):
        setattr(owner, name, watched(getattr(owner, name), label, spent))
    fit_all = sweep_job.fit_all

    def waited(*given: Any) -> Iterator[Any]:
        outcomes = iter(fit_all(*given))
        following = watched(lambda: next(outcomes, None), "waiting for a fit", spent)
        while (outcome := following()) is not None:
            if hasattr(outcome[1], "fit_seconds"):
                spent.setdefault("fits, in the workers", []).append(outcome[1].fit_seconds)
            yield outcome

    sweep_job.fit_all = waited


def watch_requests(calls: Spent) -> None:
    send = requests.Session.send

    def stopped(self: requests.Session, request: requests.PreparedRequest, **named: Any) -> Any:
        label = f"{request.method} {route(request.path_url)}"
        return watched(send, label, calls)(self, request, **named)

    requests.Session.send = stopped  # type: ignore[method-assign]


def route(path: str) -> str:
    """The address without query and names of single things."""
    general = IDENT.sub("{id}", path.partition("?")[0])
    stored = re.sub(r"(mlflow-artifacts/artifacts)/.*", r"\1/…", general)
    return stored.removeprefix("/api/2.0/").removeprefix("/ajax-api/2.0/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    parts, calls = Spent(), Spent()
    watch_parts(parts)
    watch_requests(calls)
    done = timed(lambda: sweep_job.sweep(cross_validate=False, jobs=given.jobs))
    tell(done, parts=parts, calls=calls)


if __name__ == "__main__":
    main()
