"""Whether what answers at an address is MLflow, lets us in and has our version."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from rookery.extras import version_of
from rookery.jobs.doctor.findings import Finding, error, fine, warning
from rookery.jobs.doctor.web import Answer, ask

ROUTE = "/api/2.0/mlflow/experiments/search?max_results=1"
SHOWN_BY = "docker compose run --rm --no-deps welcome"
Login = tuple[str, str] | None


def mlflow(address: str, login: Login, *, direct: bool = False) -> Iterator[Finding]:
    """`/health` alone proves nothing: it is exempt from the host check and from passwords."""
    health = ask(f"{address}/health", direct=direct)
    if health.status == 0:
        yield error(
            f"MLflow at {address} does not answer: {health.text}",
            "docker compose up --detach mlflow, then: docker compose logs mlflow; "
            "a server of your own: start it, or correct MLFLOW_TRACKING_URI",
        )
        return
    route = judge_route(ask(f"{address}{ROUTE}", login, direct=direct), login)
    yield route
    if route.level == "ok" and login:
        yield from versions(ask(f"{address}/version", login, direct=direct))


def judge_route(answer: Answer, login: Login) -> Finding:
    """What a route of the API says about the server."""
    address = answer.url.removesuffix(ROUTE)
    if answer.status == 0:
        return error(f"MLflow at {address} hangs: {answer.text}", "docker compose logs mlflow")
    if answer.status == 403 and "host" in answer.text.lower():
        name = urlsplit(address).netloc
        mend = f"MLFLOW_ALLOWED_HOSTS={name} in .env, then: docker compose up --detach mlflow"
        return error(f"MLflow at {address} refuses this address: {answer.text.strip()[:80]}", mend)
    if answer.status == 401 and login is None:
        return fine(f"{address} asks for a password, as it should")
    if answer.status in (401, 403):
        mend = f"correct MLFLOW_TRACKING_USERNAME and _PASSWORD; the stack's password: {SHOWN_BY}"
        user = login[0] if login else "a caller without a name"
        return error(f"MLflow at {address} refuses {user} ({answer.status})", mend)
    if answer.status >= 500:
        return error(
            f"MLflow at {address} fails ({answer.status}): {answer.text.strip()[:120]}",
            "docker compose logs mlflow postgres",
        )
    if "json" not in answer.kind or answer.status != 200:
        said = f"what answers at {address} is not MLflow ({answer.status}, {answer.kind or '-'})"
        return error(said, "correct MLFLOW_TRACKING_URI; in the stack: MLFLOW_PORT in .env")
    return fine(f"{address} answers as MLflow")


def versions(answer: Answer) -> Iterator[Finding]:
    """Server and client; only what says a version is compared."""
    server, client = answer.text.strip(), version_of("mlflow-skinny") or ""
    if answer.status != 200 or not server[:1].isdigit():
        return
    if server == client:
        yield fine(f"server and client are MLflow {client}", "mlflow version")
        return
    said = f"the server is MLflow {server}, the client here {client}"
    mend = f"a client of that version (pip install mlflow=={server}), or a server of {client}"
    judge = warning if server.split(".")[0] == client.split(".")[0] else error
    yield judge(said, mend, "mlflow version")
