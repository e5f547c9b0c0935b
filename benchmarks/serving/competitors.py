"""Every server that is measured: how it is started, and how it is asked."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import requests
from environments import environment_of
from measuring import free_ports, without_settings
from serving import forms
from serving.answers_checked import fault
from serving.cores import Cores
from serving.forms import Form
from serving.servers import Running, running
from serving.trained import Trained, rookery

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
LOG = "PREDICTION_LOG"


@dataclass(frozen=True)
class Bench:
    """What every section of the benchmark is given."""

    trained: Trained
    scratch: Path
    cache: Path
    cores: Cores
    rounds: int
    seconds: int


@dataclass(frozen=True)
class Launch:
    """What a command line is made from: the environment's commands, the model, a free port."""

    commands: Path
    model: Path
    port: int
    folder: Path

    def command(self, name: str, *arguments: str) -> list[str]:
        return [str(self.commands / name), *arguments]


@dataclass(frozen=True, eq=False)
class Competitor:
    """One server; `requirements` is None for ours, which runs where this script runs."""

    name: str
    form: Form
    requirements: str | None
    command: Callable[[Launch], list[str]]
    environ: dict[str, str] = field(default_factory=dict)
    batching: bool = False


def _mlflow(launch: Launch) -> list[str]:
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(launch.port)]
    stored = str(launch.model / "mlflow")
    return launch.command("mlflow", "models", "serve", "--model-uri", stored, *options)


def _usual(launch: Launch) -> list[str]:
    return _uvicorn(launch, "usual_service:app")


def _echo(launch: Launch) -> list[str]:
    fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    return [*_uvicorn(launch, "echo_app:app"), *fast]


def _uvicorn(launch: Launch, app: str) -> list[str]:
    port = str(launch.port)
    return launch.command("uvicorn", "--app-dir", str(HERE), app, "--port", port)


def _mlserver(launch: Launch) -> list[str]:
    folder = launch.folder / f"mlserver-{launch.port}"
    folder.mkdir()
    grpc, metrics = free_ports(2)
    ports = {"http_port": launch.port, "grpc_port": grpc, "metrics_port": metrics}
    model = {
        "name": "penguins",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(launch.model / "pipeline.joblib")},
        "max_batch_size": 64,
        "max_batch_time": 0.001,
    }
    settings = {"debug": False, "host": "127.0.0.1", **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return launch.command("mlserver", "start", str(folder))


def _bentoml(launch: Launch) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", str(launch.port), "--working-dir", str(HERE)]
    return launch.command("bentoml", "serve", "bento_service:Penguins", *where)


def _litserve(launch: Launch) -> list[str]:
    return launch.command("python", str(HERE / "lit_service.py"), str(launch.port))


def _ours(_: Launch) -> list[str]:
    return [rookery(), "serve"]


OURS = Competitor("rookery", forms.RECORD, None, _ours, {LOG: "on"})
OURS_OFF = replace(OURS, name="rookery, log off", environ={LOG: "off"})
OURS_INVOCATIONS = replace(OURS, name="rookery /invocations", form=forms.INVOCATIONS)
OURS_INVOCATIONS_OFF = replace(
    OURS_INVOCATIONS, name="rookery /invocations, log off", environ={LOG: "off"}
)
OURS_BATCH = replace(OURS, name="rookery /predict/batch", form=forms.RECORDS)
MLFLOW = Competitor(
    "mlflow", forms.INVOCATIONS, "mlflow", _mlflow, {"MLFLOW_DISABLE_TELEMETRY": "true"}
)
USUAL = Competitor("fastapi + pandas", forms.RECORD, "usual", _usual)
MLSERVER = Competitor("mlserver", forms.INFERENCE, "mlserver", _mlserver, batching=True)
BENTOML = Competitor(
    "bentoml",
    forms.LISTED,
    "bentoml",
    _bentoml,
    {"BENTOML_DO_NOT_TRACK": "True"},
    batching=True,
)
LITSERVE = Competitor("litserve", forms.RECORD, "litserve", _litserve, batching=True)
ECHO = Competitor("echo", forms.ECHO, "echo", _echo)
OTHERS = (MLFLOW, USUAL, MLSERVER, BENTOML, LITSERVE)


@contextmanager
def answering(bench: Bench, competitor: Competitor, model: str) -> Iterator[Running]:
    """As `served`, once it answers rightly; ours, once it has seen which version is promoted.

    Raises:
        CannotRun: it could not be installed or started, or does not answer rightly.
    """
    first = bench.trained.singles(model)[0]
    with served(bench, competitor, model) as server:
        server.wait(partial(fault, form=competitor.form, asked=first))
        if competitor.requirements is None:
            # a start with a warm cache answers with the version of before until then
            server.wait(partial(unless_version, version=bench.trained.versions[model]))
        yield server


def unless_version(url: str, version: str) -> str:
    """What `/ready` says where it does not name the version."""
    answer = requests.get(f"{url}/ready", timeout=60)
    named = answer.ok and answer.json()["version"] == version
    return "" if named else f"version {version} is promoted, but /ready says {answer.text[:200]}"


@contextmanager
def served(bench: Bench, competitor: Competitor, model: str) -> Iterator[Running]:
    """The server of a model as a process that was just started; ours serves what is promoted.

    Raises:
        CannotRun: its environment could not be installed.
    """
    (port,) = free_ports(1)
    commands = Path(sys.executable).parent
    if competitor.requirements:
        commands = environment_of(REQUIREMENTS / f"{competitor.requirements}.txt", bench.cache)
    launch = Launch(commands, bench.trained.stored(model), port, bench.scratch)
    base = without_settings() if competitor.requirements else bench.trained.environ
    given = {
        "PATH": f"{commands}{os.pathsep}{base.get('PATH', '')}",
        "PIPELINE": str(launch.model / "pipeline.joblib"),
        "BENTOML_HOME": str(bench.scratch / "bentoml"),
    }
    if not competitor.requirements:
        given["PORT"] = str(port)
    environ = base | given | competitor.environ
    command = bench.cores.serve(competitor.command(launch))
    with running(competitor.name, command, environ, bench.scratch, port) as server:
        yield server
