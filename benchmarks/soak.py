"""The API at half of its maximum load for ten minutes, with a swap every ten seconds.

Ends with 1 where a request failed or was answered wrongly, a swap was not followed, a prediction
was not logged, or memory grew. Needs wrk, and disk for the prediction log: about 0.5 GB for a
million requests.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import requests
from environments import CannotRun
from measuring import describe_machine, median, scratch, table
from serving import soak_swaps, soaking
from serving.answers_checked import fault
from serving.competitors import OURS, Bench, served
from serving.cores import shared_out
from serving.forms import RECORD
from serving.load import need_wrk, post, write_bodies
from serving.servers import Running, running
from serving.trained import train

SWAP_SECONDS = 10
MAXIMUM_SECONDS = 5
WARM_UP = 0.25  # of the time: what is loaded first stays, and is no growth
GROWTH_MB = 20.0
FAMILIES = ("linear", "forest")
END_SECONDS = 90  # at most, until what was started has said how it went


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    need_wrk()
    describe_machine()
    cores = shared_out()
    print(cores)
    with scratch() as folder:
        bench = Bench(train(folder), folder, folder, cores, 1, MAXIMUM_SECONDS)
        bench.trained.promote(FAMILIES[0])
        try:
            faults = soaked(bench, minutes * 60)
        except CannotRun as error:
            faults = [str(error)]
    print("\n" + ("\n".join(faults) or "Nothing failed, and memory is flat."))
    sys.exit(1 if faults else 0)


def soaked(bench: Bench, seconds: float) -> list[str]:
    """What went wrong.

    Raises:
        CannotRun: the API, the load or the swaps ended early.
    """
    first = bench.trained.singles(FAMILIES[0])[0]
    with served(bench, OURS, FAMILIES[0]) as server:
        server.wait(lambda url: fault(url, OURS.form, first))
        return soak(bench, server, seconds)


def soak(bench: Bench, server: Running, seconds: float) -> list[str]:
    rate = maximum(bench, server) / 2
    print(f"\n{rate:,.0f} requests/s for {seconds / 60:g} min, half of the maximum", flush=True)
    swaps = int(seconds // SWAP_SECONDS)
    with asking(bench, server, rate, seconds) as load, swapping(bench, server, swaps) as alias:
        memory = list(sampled(server, load, seconds))
        answers = json.loads(load.finish(END_SECONDS))
        alias.finish(END_SECONDS)
    lost = figure(server, "prediction_log_lost")
    grown = growth(memory)
    show(answers, seconds, swaps, lost, memory, grown)
    failed = Counter[str](answers["failed"])
    checks = {
        f"{failed.total()} requests failed: {dict(failed)}": bool(failed),
        "one version alone has answered": swaps > 1 and len(answers["versions"]) < 2,
        f"{lost:.0f} predictions were not logged": lost > 0,
        f"memory grew by {grown:.1f} MB, {GROWTH_MB:g} are allowed": grown > GROWTH_MB,
    }
    return [said for said, found in checks.items() if found]


def maximum(bench: Bench, server: Running) -> float:
    """Requests a second over 64 connections."""
    batches = [one.rows for one in bench.trained.singles(FAMILIES[0])]
    bodies = write_bodies(bench.scratch, RECORD, batches)
    url = server.url + RECORD.path
    post(url, bodies, soaking.CONNECTIONS, 2, bench.cores)  # the first second is not like the rest
    return post(url, bodies, soaking.CONNECTIONS, MAXIMUM_SECONDS, bench.cores).rate


def asking(
    bench: Bench, server: Running, rate: float, seconds: float
) -> AbstractContextManager[Running]:
    answers = bench.scratch / "answers.json"
    labels = {bench.trained.versions[name]: bench.trained.labels[name] for name in FAMILIES}
    answers.write_text(json.dumps([bench.trained.rows, labels]), encoding="utf-8")
    given = [soaking.__name__, server.url, str(answers), str(rate), str(seconds)]
    return module(bench, bench.cores.ask([sys.executable, "-m", *given]))


def swapping(bench: Bench, server: Running, swaps: int) -> AbstractContextManager[Running]:
    versions = [bench.trained.versions[name] for name in FAMILIES]
    given = [soak_swaps.__name__, f"{server.url}/ready", str(SWAP_SECONDS), str(swaps), *versions]
    return module(bench, bench.cores.serve([sys.executable, "-m", *given]))


def module(bench: Bench, command: list[str]) -> AbstractContextManager[Running]:
    return running(command[command.index("-m") + 1], command, bench.trained.environ, bench.scratch)


def sampled(server: Running, load: Running, seconds: float) -> Iterator[float]:
    """Megabytes, once a second, while the load lasts."""
    began = time.monotonic()
    while load.process.poll() is None and time.monotonic() < began + seconds:
        yield server.memory_mb()
        time.sleep(1)


def growth(memory: Sequence[float]) -> float:
    """From just after the warm-up to the end, each the median of a tenth of the samples."""
    after = memory[int(WARM_UP * len(memory)) :]
    part = max(1, len(after) // 10)
    return median(after[-part:]) - median(after[:part])


def figure(server: Running, name: str) -> float:
    lines = requests.get(f"{server.url}/metrics", timeout=END_SECONDS).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def show(
    answers: dict[str, Any],
    seconds: float,
    swaps: int,
    lost: float,
    memory: Sequence[float],
    grown: float,
) -> None:
    rows: list[Sequence[object]] = [
        ["answers", answers["answered"]],
        ["answers/s", answers["answered"] / seconds],
        ["failed or wrong", sum(answers["failed"].values())],
        ["p50 ms", answers.get("p50", 0.0) * 1000],
        ["p99 ms", answers.get("p99", 0.0) * 1000],
        ["swaps", swaps],
        *([f"answers of version {version}", n] for version, n in answers["versions"].items()),
        ["predictions not logged", int(lost)],
        ["MB after the warm-up", memory[int(WARM_UP * len(memory))]],
        ["MB at the end", memory[-1]],
        [f"MB grown (at most {GROWTH_MB:g})", f"{grown:+.1f}"],
    ]
    table("Soak", ["", "measured"], rows)


if __name__ == "__main__":
    main()
