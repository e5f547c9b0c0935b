"""The stack from a clone of HEAD: start, first prediction, rebuild, memory, processor, images.

Builds the images under names of its own, starts them on free ports, and removes all of it.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import requests
from compose import Stack, own_stack, wait_until
from container_stats import MB, Engine, Peaks, idle_cpu
from measuring import Timed, parser_with_repository, table, timed, verdict

HEALTHY_AIM, PREDICTION_AIM, MEMORY_AIM, CPU_AIM = 30, 60, 1200, 2
NOTEBOOKS, PROMOTE = ("01_ingest", "02_clean", "03_sweep"), "04_promote"
NOTEBOOK_SECONDS = 300
# in the package that every image of ours but the stores and MLflow holds
CHANGED = Path("src/rookery/core/metrics.py")


def main() -> None:
    given = arguments()
    with own_stack(given.repository) as stack:
        engine = Engine()
        if given.first_build:
            first_build(stack)
        print(f"building what the cache lacks, not counted: {stack.build().seconds:.0f} s")
        start = stack.up()
        at_rest(engine, stack, given.quiet)
        to_prediction(engine, stack, start)
        sizes(engine, stack)
        rebuild(engine, stack)


def arguments() -> argparse.Namespace:
    parser = parser_with_repository(__doc__)
    parser.add_argument("--quiet", type=float, default=30, help="seconds before idle is measured")
    parser.add_argument(
        "--first-build", action="store_true", help="build every image without a cache first"
    )
    return parser.parse_args()


def first_build(stack: Stack) -> None:
    """Each image by itself, one after the other."""
    services = {"fastapi": "keys", "jupyter": "jupyter", "mlflow": "mlflow", "minio": "minio"}
    services |= {"minio-setup": "minio-setup"}
    taken = {name: stack.build("--no-cache", service).seconds for name, service in services.items()}
    rows = [[name, seconds] for name, seconds in taken.items()]
    table(
        "First build, one image after the other",
        ["image", "s"],
        [*rows, ["all", sum(taken.values())]],
    )
    print(
        "\nEvery step of ours runs again. Not counted: the images of others, which are there. "
        "What pip keeps between builds (the cache mounts) is used where it is there already."
    )


def at_rest(engine: Engine, stack: Stack, quiet: float) -> None:
    """Memory and processor of the healthy stack that nobody uses."""
    time.sleep(quiet)
    containers = stack.containers()
    cpu = idle_cpu(engine, containers, 30)
    memory = {name: engine.memory(ident) for name, ident in containers.items()}
    services = stack.services()
    limits = {name: int(services[name]["mem_limit"]) / MB for name in containers}
    rows = [[name, memory[name], limits[name], f"{cpu[name]:.2f}"] for name in containers]
    total, busy, allowed = (sum(one.values()) for one in (memory, cpu, limits))
    table(
        f"Idle, {quiet:.0f} s after the start, over 30 s",
        ["service", "MB", "limit, MB", "% of a core"],
        [*rows, ["all", total, allowed, f"{busy:.2f}"]],
    )
    print(f"\nMemory, page cache not counted: {verdict(total, MEMORY_AIM, at_least=False)} MB;")
    print(f"processor: {verdict(busy, CPU_AIM, at_least=False)} % of a core.")


def to_prediction(engine: Engine, stack: Stack, start: Timed) -> None:
    containers = stack.containers()
    with Peaks(engine, containers) as peaks:
        steps = {name: timed(partial(run_notebook, stack, name)) for name in NOTEBOOKS}
        steps[PROMOTE] = promoted = timed(lambda: promote(stack))
        record = example(stack)
        answer = timed(lambda: first_prediction(stack, record))
    rows: list[list[object]] = [["docker compose up: all healthy", start.seconds]]
    rows += [[name, step.seconds] for name, step in steps.items()]
    rows += [["answer of the API", answer.seconds]]
    table("From the command to the first prediction, images built", ["step", "s"], rows)
    after = sum(step.seconds for step in steps.values()) + answer.seconds
    print(f"\nFrom the alias in MLflow to /ready naming the version: {promoted.result:.1f} s.")
    print(f"\nHealthy after {verdict(start.seconds, HEALTHY_AIM, at_least=False)} s,")
    print(f"first prediction {verdict(after, PREDICTION_AIM, at_least=False)} s later.")
    most = [[name, peaks.by_service[name]] for name in containers]
    table(
        "Most memory while the notebooks run, page cache not counted",
        ["service", "MB"],
        [*most, ["all at the same moment", peaks.together]],
    )


def run_notebook(stack: Stack, name: str) -> None:
    """As a person runs it: in the folder of the notebooks, by a kernel of that container."""
    command = ["papermill", "--kernel", "python3", "--no-progress-bar", "--cwd", "notebooks"]
    files = [f"notebooks/{name}.ipynb", f"/tmp/{name}.ipynb"]
    stack.execute("jupyter", *command, *files, seconds=NOTEBOOK_SECONDS)


def promote(stack: Stack) -> float:
    """Runs the notebook, and looks beside it how long the API takes to follow."""
    with ThreadPoolExecutor(1) as beside:
        followed = beside.submit(until_followed, stack)
        run_notebook(stack, PROMOTE)
        return followed.result()


def until_followed(stack: Stack) -> float:
    """Seconds from the first alias in MLflow until the API names that version, to two tenths."""
    user = ("admin", stack.execute("jupyter", "cat", "/run/keys/password", seconds=60))
    mlflow = f"{stack.address('MLFLOW_PORT')}/api/2.0/mlflow/registered-models/alias"
    asked = f"{mlflow}?name=penguins&alias=production"
    with requests.Session() as session:
        promoted = partial(session.get, asked, auth=user, timeout=10)
        wait_until(lambda: promoted().ok, "a version has the alias", NOTEBOOK_SECONDS)
        began = time.perf_counter()
        version = promoted().json()["model_version"]["version"]
        ready = f"{stack.address('API_PORT')}/ready"
        wait_until(
            lambda: session.get(ready, timeout=10).json().get("version") == version,
            f"/ready names version {version}",
        )
    return time.perf_counter() - began


def example(stack: Stack) -> dict[str, Any]:
    """The record that the API's own documentation shows, once a version is served."""
    document = requests.get(f"{stack.address('API_PORT')}/openapi.json", timeout=10).json()
    body = document["paths"]["/predict"]["post"]["requestBody"]
    return dict(body["content"]["application/json"]["example"])


def first_prediction(stack: Stack, record: dict[str, Any]) -> None:
    wait_until(lambda: answers(stack, record), "a prediction", seconds=60)


def answers(stack: Stack, record: dict[str, Any]) -> bool:
    with suppress(requests.RequestException):
        answer = requests.post(f"{stack.address('API_PORT')}/predict", json=record, timeout=10)
        return answer.ok and "prediction" in answer.json()
    return False


def sizes(engine: Engine, stack: Stack) -> None:
    prefix = stack.environ["IMAGE_PREFIX"]
    names = [*stack.images(), "postgres:17", "mysql:8.4"]
    rows = [[name.removeprefix(prefix), f"{engine.image_size(name):,.0f}"] for name in names]
    table("Images", ["image", "MB"], rows)


def rebuild(engine: Engine, stack: Stack) -> None:
    """One line of the package is changed, and all images are built again."""
    names = stack.images()
    before = {name: engine.layers(name) for name in names}
    with (stack.folder / CHANGED).open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    built = stack.build()
    rows = [
        [name.removeprefix(stack.environ["IMAGE_PREFIX"]), kept(before[name], engine.layers(name))]
        for name in names
    ]
    table("Rebuild after a change of one line", ["image", "layers reused"], rows)
    print(f"\nAll images after {built.seconds:.1f} s.")


def kept(before: list[str], after: list[str]) -> str:
    return f"{len(set(before) & set(after))} of {len(after)}"


if __name__ == "__main__":
    main()
