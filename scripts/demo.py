"""From the source to a prediction answered over HTTP, then everything stops: `make demo`."""

import importlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from servers import HOST, Server, free_port, is_free, start, stop, typed

import rookery as rk
from rookery import text
from rookery.errors import RookeryError, Unavailable
from rookery.settings import Settings, get_settings

TIMES: dict[str, float] = {}


def main() -> int:
    """Exit code 0 only if every step was done and the answer came from the promoted version."""
    # Ctrl-C and `kill` take the same way out, past every `finally`
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        demo(get_settings())
    except RookeryError as error:
        print(text.failure(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def demo(settings: Settings) -> None:
    """The four jobs, then the API and one question to it."""
    with step("import"):  # MLflow, pandas and scikit-learn; the jobs would load them on first use
        importlib.import_module("rookery.jobs.run")
        from rookery.notebook import example
    with step("ingest"):
        say("ingest", text.ingested(rk.ingest()))
    with step("clean"):
        say("clean", text.cleaned(rk.clean()))
    with step("sweep"):
        say("sweep", text.swept(rk.sweep()))
    with step("promote"):
        promoted = rk.promote()
        say("promote", text.promoted(promoted))
    row, truth = example()
    with api(settings, promoted.task) as url:
        say("serve", f"the API is ready at {url}")
        with step("predict"):
            wait_for_version(url, promoted.version)
            answer = ask(settings, url, row)
    if answer.get("version") != promoted.version:
        raise Unavailable(
            f"the API answered with version {answer.get('version')}, not {promoted.version}"
        )
    asked = f"POST /predict {json.dumps(row)}\n{json.dumps(answer)}"
    say("predict", f"{asked}\n{answer['prediction']} was predicted; {truth} is right")
    say("go on", how_to_go_on(row))
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in TIMES.items())
    say("time", f"{sum(TIMES.values()):.1f} s to the answer, set-up excluded ({parts})")


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    TIMES[name] = time.perf_counter() - began


def say(name: str, text: str) -> None:
    print("\n".join([f"\n{name}", *(f"  {line}" for line in text.splitlines())]), flush=True)


@contextmanager
def api(settings: Settings, task: str) -> Iterator[str]:
    """The address of `rookery serve`, which runs as long as the block."""
    port = settings.api_port
    if not is_free(port):
        port = free_port()
        say("serve", f"port {settings.api_port} is taken; the API listens on {port} instead")
    url = f"http://{HOST}:{port}"
    environment = {"PORT": str(port), "API_HOST": HOST, "MODEL_NAMES": task}
    log = settings.home / "logs" / "demo-api.log"
    servers: list[Server] = []
    try:
        with step("serve"):
            command = ["rookery.cli", "serve"]
            servers.append(start("the API", command, f"{url}/ready", log, environment))
            servers[0].wait()
        yield url
    finally:
        stop(servers)


def wait_for_version(url: str, version: str, seconds: float = 60) -> None:
    """An API that starts answers at once with what it served last, until it has seen more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if requests.get(f"{url}/ready", timeout=10).json().get("version") == version:
            return
        time.sleep(0.1)


def ask(settings: Settings, url: str, row: dict[str, Any]) -> dict[str, Any]:
    """The API's answer to one record."""
    key = settings.api_key.get_secret_value() if settings.api_key else None
    try:
        answer = requests.post(
            f"{url}/predict", json=row, headers={"X-API-Key": key} if key else None, timeout=30
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        said = error.response.text if error.response is not None else ""
        raise Unavailable(f"the API gave no prediction: {error} {said}".strip()) from error
    return dict(answer.json())


def how_to_go_on(row: dict[str, Any]) -> str:
    rookery = typed("rookery")
    return "\n".join(
        [
            f"{rookery} status    where the task stands",
            f"{rookery} predict --row '{json.dumps(row)}'",
            f"{rookery} serve     the API and its page /docs, until Ctrl-C",
            f"{typed('python')} scripts/local.py     MLflow, JupyterLab and the API, until Ctrl-C",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
