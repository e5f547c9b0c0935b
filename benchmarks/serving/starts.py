"""Each server alone: from its start to the first right answer, and its memory after a load."""

from functools import partial

from environments import CannotRun
from measuring import median, table
from serving.answers_checked import fault
from serving.competitors import MLFLOW, OTHERS, OURS, Bench, Competitor, answering, served
from serving.load import post, write_bodies

LOAD_SECONDS = 3
CONNECTIONS = 64
Found = dict[str, list[tuple[float, float]]]  # seconds and megabytes of each round by server


def starts(bench: Bench) -> dict[str, float | None]:
    """One start of each is not counted: it fills caches, those of the system and ours, which holds
    the version of before until the one that is promoted was followed.
    """
    bench.trained.promote("linear")
    found: Found = {competitor.name: [] for competitor in (OURS, *OTHERS)}
    reasons: dict[str, str] = {}
    for number in range(bench.rounds + 1):
        print(f"starts: round {number} of {bench.rounds}", flush=True)
        for competitor in (OURS, *OTHERS):
            if competitor.name not in reasons:
                try:
                    found[competitor.name].append(_one(bench, competitor, warm=number > 0))
                except CannotRun as error:
                    reasons[competitor.name] = str(error)
    medians = {name: _medians(taken[1:]) for name, taken in found.items() if name not in reasons}
    rows = [[name, *medians.get(name, ("left out", reasons.get(name)))] for name in found]
    header = ["server", "s to the first answer", f"MB after {LOAD_SECONDS} s of load"]
    table("Restart with warm caches, and memory (LogisticRegression)", header, rows)
    if OURS.name not in medians or MLFLOW.name not in medians:
        return {}
    seconds, memory = (
        ours / theirs for ours, theirs in zip(medians[OURS.name], medians[MLFLOW.name], strict=True)
    )
    return {"start mlflow": seconds, "memory mlflow": memory}


def _one(bench: Bench, competitor: Competitor, *, warm: bool) -> tuple[float, float]:
    """Seconds to the first right answer, and megabytes after a load."""
    asked = bench.trained.singles("linear")
    bodies = write_bodies(bench.scratch, competitor.form, [one.rows for one in asked])
    with (served if warm else answering)(bench, competitor, "linear") as server:
        seconds = server.wait(partial(fault, form=competitor.form, asked=asked[0]))
        url = server.url + competitor.form.path
        post(url, bodies, CONNECTIONS, LOAD_SECONDS, bench.cores)
        return seconds, server.memory_mb()


def _medians(taken: list[tuple[float, float]]) -> tuple[float, float]:
    return median(seconds for seconds, _ in taken), median(memory for _, memory in taken)
