"""One stack under test: a copy of the checkout, started by the commands that the README names."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg2
import pymysql
from tests.penguins import PENGUIN

ROOT = Path(__file__).parents[2]
PORTS = {
    "POSTGRES_PORT": 5432,
    "MYSQL_PORT": 3306,
    "MINIO_PORT": 9000,
    "MINIO_CONSOLE_PORT": 9001,
    "MLFLOW_PORT": 5005,
    "JUPYTER_PORT": 8888,
    "API_PORT": 8000,
}
SERVERS = ("postgres", "mysql", "minio", "mlflow", "jupyter", "fastapi")
ONE_SHOTS = ("keys", "minio-setup", "mysql-setup", "mlflow-migrate", "welcome")


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """What `holds` returns once that is true; an error that names `what` when time is over."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return found


def free_ports() -> dict[str, int]:
    """A port that nobody has for each name, all held together so that no two are the same."""
    with ExitStack() as held:
        found = {}
        for name in PORTS:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found[name] = probe.getsockname()[1]
        return found


def copy_checkout(folder: Path) -> None:
    """What a clean clone of the work tree would hold: no .env, nothing that git ignores."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@dataclass
class Stack:
    """A folder with a compose file, and ways to look at what runs from it from the host."""

    folder: Path
    ports: Mapping[str, int]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *command: str, check: bool = True, **options: Any) -> Any:
        """A command in the folder, with the environment that a user's shell would have there."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment, **options.pop("environment", {})},
            capture_output=True,
            text=True,
            timeout=options.pop("timeout", 900),
            **options,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    def compose(self, *arguments: str, check: bool = True, **options: Any) -> Any:
        return self.run("docker", "compose", *arguments, check=check, **options)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A compose command that goes on while the test does other things."""
        return subprocess.Popen(
            ("docker", "compose", *arguments),
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def begun(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """A compose command that goes on while the block runs, and ends with it at the latest."""
        process = self.start(*arguments)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """The service is away for as long as the block takes."""
        self.compose("stop", service)
        try:
            yield
        finally:
            self.compose("start", service)
            self.wait_healthy(service)

    def execute(self, service: str, *command: str, check: bool = True, **options: Any) -> Any:
        """A command in the container of a service, without a terminal."""
        return self.compose("exec", "-T", service, *command, check=check, **options)

    def rookery(self, *arguments: str, check: bool = True, **options: Any) -> Any:
        """The command line as a user of the stack has it: in the Jupyter container."""
        return self.execute("jupyter", "rookery", *arguments, check=check, **options)

    def up(self, *arguments: str) -> Any:
        return self.compose("up", "--detach", *arguments)

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says, by service, of those that ran or run."""
        ids = self.compose("ps", "--all", "--quiet").stdout.split()
        found = json.loads(self.run("docker", "inspect", *ids).stdout) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def health(self) -> dict[str, str]:
        """Health by service, or how it ended."""
        states = {name: one["State"] for name, one in self.containers().items()}
        return {
            name: state.get("Health", {}).get("Status")
            if state["Running"]
            else f"exited {state['ExitCode']}"
            for name, state in states.items()
        }

    def wait_healthy(self, *services: str, seconds: float = 120) -> None:
        wanted = services or SERVERS
        wait_until(
            lambda: all(self.health().get(name) == "healthy" for name in wanted),
            f"{', '.join(wanted)} healthy",
            seconds,
        )

    def key(self, service: str, name: str) -> str:
        """A secret, as the container that reads it has it."""
        return str(self.execute(service, "cat", f"/run/keys/{name}").stdout)

    @property
    def password(self) -> str:
        return self.key("jupyter", "password")

    def address(self, port: str) -> str:
        return f"http://localhost:{self.ports[port]}"

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.address("API_PORT") + path, timeout=30, **options)

    def predict(self) -> dict[str, Any]:
        answer = self.api("POST", "/predict", json=PENGUIN)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def mlflow(self, path: str, **options: Any) -> httpx.Response:
        """A route of MLflow's REST API, as `admin`; POST where `json` is given, or `method`."""
        method = options.pop("method", "POST" if "json" in options else "GET")
        options.setdefault("auth", ("admin", self.password))
        place = f"{self.address('MLFLOW_PORT')}/api/2.0/mlflow/{path}"
        return httpx.request(method, place, timeout=60, **options)

    def production(self, model: str = "penguins") -> str | None:
        """The version that carries the alias, as MLflow says."""
        asked = {"name": model, "alias": "production"}
        answer = self.mlflow("registered-models/alias", params=asked)
        return answer.json()["model_version"]["version"] if answer.status_code == 200 else None

    def enter_mysql(
        self, user: str = "my_app_user", password: str | None = None
    ) -> "pymysql.Connection[Any]":
        """A connection over the published port, with the user's own password if none is given."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.ports["MYSQL_PORT"],
            user=user,
            password=self.key("mysql", f"{user}_password") if password is None else password,
            database="my_app_db",
            autocommit=True,
        )

    def mysql(self, query: str, user: str = "my_app_user") -> list[tuple[Any, ...]]:
        """Rows of a query over the published port."""
        with self.enter_mysql(user) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def postgres(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on MLflow's database over the published port."""
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.ports["POSTGRES_PORT"],
            user="mlflow_user",
            password=self.key("postgres", "mlflow_user_password"),
            dbname="mlflow_db",
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def artifacts(self) -> set[str]:
        """The keys that MLflow's own user finds in its bucket."""
        pages = self.s3("mlflow").get_paginator("list_objects_v2").paginate(Bucket="mlflows3")
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def s3(self, owner: str) -> Any:
        """A boto3 client of `mlflow` or `jobs`."""
        service = {"mlflow": "mlflow", "jobs": "jupyter"}[owner]
        return boto3.client(
            "s3",
            endpoint_url=self.address("MINIO_PORT"),
            aws_access_key_id=self.key(service, f"{owner}_s3_access_key"),
            aws_secret_access_key=self.key(service, f"{owner}_s3_secret_key"),
            region_name="us-east-1",
        )
