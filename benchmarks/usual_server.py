"""`mlflow server` as people start it in a stack, beside ours, for the time of a with-block."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from compose import Stack, wait_until
from container_stats import Engine
from measuring import comes_to_rest

NAME, PORT = "usual", 5000
URI = f"http://{NAME}:{PORT}"
KEYS = (
    ("PGPASSWORD", "mlflow_user_password"),
    ("AWS_ACCESS_KEY_ID", "mlflow_s3_access_key"),
    ("AWS_SECRET_ACCESS_KEY", "mlflow_s3_secret_key"),
)
# what `pip install mlflow psycopg2-binary boto3` gives; our image holds uvloop and httptools too,
# and uvicorn would take them
PLAIN = ("--uvicorn-opts", "'--loop asyncio --http h11'")


@contextmanager
def usual_server(stack: Stack, engine: Engine, *, plain: bool = True) -> Iterator[str]:
    """Its address on the stack's network, once it is at rest.

    The image is ours, command and workers are MLflow's defaults, nobody is asked for a password,
    memory is not limited; it has a database of its own in the same Postgres, a folder of its own
    in the same bucket.
    """
    container = f"{stack.project}-{NAME}"
    _psql(stack, f"CREATE DATABASE {NAME} OWNER mlflow_user")
    try:
        stack.run(*_command(stack, container, plain=plain))
        wait_until(lambda: _answers(stack, container), f"mlflow server at {URI} answers")
        used = partial(engine.cpu_seconds, container)
        wait_until(lambda: comes_to_rest(used), "mlflow server is at rest")
        yield URI
    finally:
        stack.run("docker", "rm", "--force", "--volumes", container)
        _psql(stack, f"DROP DATABASE {NAME} WITH (FORCE)")


def _command(stack: Stack, container: str, *, plain: bool) -> list[str]:
    keys = "; ".join(f'export {name}="$(cat /run/keys/{file})"' for name, file in KEYS)
    server = ["exec", "mlflow", "server", "--host", "0.0.0.0", "--port", str(PORT)]
    server += ["--backend-store-uri", f"postgresql+psycopg2://mlflow_user@postgres:5432/{NAME}"]
    server += ["--artifacts-destination", f"s3://mlflows3/{NAME}"]
    server += ["--allowed-hosts", f"{NAME}:{PORT}", *(PLAIN if plain else ())]
    place = ["--name", container, "--network", f"{stack.project}_default", "--network-alias", NAME]
    place += ["--volume", f"{stack.project}_mlflow_keys:/run/keys:ro", "--init"]
    image = next(name for name in stack.images() if "-mlflow:" in name)
    shell = ["sh", "-c", f"{keys}; {' '.join(server)}"]
    return ["docker", "run", "--detach", *place, image, *shell]


def _psql(stack: Stack, statement: str) -> None:
    stack.execute("postgres", "psql", "--username=postgres", "--command", statement, seconds=60)


def _answers(stack: Stack, container: str) -> bool:
    request = (
        "import urllib.request as r;"
        f"q = r.Request('http://127.0.0.1:{PORT}/api/2.0/mlflow/experiments/get?experiment_id=0',"
        f" headers={{'Host': '{NAME}:{PORT}'}});"
        "r.urlopen(q, timeout=5)"
    )
    try:
        stack.run("docker", "exec", container, "python", "-c", request)
    except SystemExit:
        return False
    return True
